package text

import (
	"net/url"
	"strings"
)

// domains are Genesys Cloud's, by the name of the AWS region
// (developer.genesys.cloud/platform/api).
var domains = map[string]string{
	"us-east-1": "mypurecloud.com", "us-east-2": "use2.us-gov-pure.cloud", "us-west-2": "usw2.pure.cloud",
	"ca-central-1": "cac1.pure.cloud", "sa-east-1": "sae1.pure.cloud", "mx-central-1": "mxc1.pure.cloud",
	"eu-west-1": "mypurecloud.ie", "eu-west-2": "euw2.pure.cloud", "eu-central-1": "mypurecloud.de",
	"eu-central-2": "euc2.pure.cloud", "eusc-de-east-1": "edee1.eusc-pure.cloud", "me-central-1": "mec1.pure.cloud",
	"ap-south-1": "aps1.pure.cloud", "ap-southeast-1": "apse1.pure.cloud", "ap-southeast-2": "mypurecloud.com.au",
	"ap-northeast-1": "mypurecloud.jp", "ap-northeast-2": "apne2.pure.cloud", "ap-northeast-3": "apne3.pure.cloud",
}

// Link returns the page of a conversation in Genesys Cloud, for the region of the
// org or else the address of its API; empty if neither says where it is.
func Link(region, api, conversation string) string {
	domain := domains[region]
	if domain == "" {
		u, err := url.Parse(api)
		if err != nil || u.Scheme != "https" {
			return ""
		}
		domain, _ = strings.CutPrefix(u.Host, "api.")
		if domain == u.Host {
			return ""
		}
	}
	return "https://apps." + domain + "/directory/#/engage/admin/interactions/" + url.PathEscape(conversation)
}
