package genesys

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Connection says how an org's Genesys API is reached.
type Connection struct {
	// Region is AWS's name of the org's region; API is given instead of it for
	// another address.
	Region string `json:"region,omitempty" yaml:"region"`
	API    string `json:"api,omitempty" yaml:"api"`
	// ClientID and ClientSecret are references to the credentials of an OAuth
	// client with the grant type client credentials.
	ClientID     string `json:"clientId" yaml:"client_id"`
	ClientSecret string `json:"clientSecret" yaml:"client_secret"`
	// RatePerMinute bounds the calls; 0: DefaultRate.
	RatePerMinute int `json:"ratePerMinute,omitempty" yaml:"rate_per_minute"`
}

// DefaultRate is what Genesys allows a token, in calls a minute.
const DefaultRate = 300

// domains of the regions, by AWS's name (PureCloudRegionHosts of the SDKs).
var domains = map[string]string{
	"us-east-1":      "mypurecloud.com",
	"us-east-2":      "use2.us-gov-pure.cloud",
	"us-west-2":      "usw2.pure.cloud",
	"ca-central-1":   "cac1.pure.cloud",
	"sa-east-1":      "sae1.pure.cloud",
	"mx-central-1":   "mxc1.pure.cloud",
	"eu-west-1":      "mypurecloud.ie",
	"eu-west-2":      "euw2.pure.cloud",
	"eu-central-1":   "mypurecloud.de",
	"eu-central-2":   "euc2.pure.cloud",
	"eusc-de-east-1": "edee1.eusc-pure.cloud",
	"me-central-1":   "mec1.pure.cloud",
	"ap-south-1":     "aps1.pure.cloud",
	"ap-southeast-1": "apse1.pure.cloud",
	"ap-southeast-2": "mypurecloud.com.au",
	"ap-northeast-1": "mypurecloud.jp",
	"ap-northeast-2": "apne2.pure.cloud",
	"ap-northeast-3": "apne3.pure.cloud",
}

// Problem is something wrong with a field of a Connection.
type Problem struct{ Field, Message string }

// Validate returns what is wrong, apart from the form of the references.
func (c Connection) Validate() []Problem {
	var ps []Problem
	add := func(field, format string, args ...any) {
		ps = append(ps, Problem{field, fmt.Sprintf(format, args...)})
	}
	if (c.Region == "") == (c.API == "") {
		add("", "needs region (such as eu-west-1) or api (https://...), one of them")
	}
	if _, ok := domains[c.Region]; c.Region != "" && !ok {
		add("region", "%q is no region of Genesys; write one of %s, or api for another address",
			c.Region, strings.Join(slices.Sorted(maps.Keys(domains)), ", "))
	}
	if u, err := url.Parse(c.API); c.API != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil) {
		add("api", "is no address; write https://...")
	}
	if c.RatePerMinute < 0 {
		add("rate_per_minute", "%d is negative", c.RatePerMinute)
	}
	return ps
}

// hosts returns the addresses of the API and of the token endpoint: login host
// for API host.
func (c Connection) hosts() (base, login string) {
	base = strings.TrimSuffix(c.API, "/")
	if c.API == "" {
		base = "https://api." + domains[c.Region]
	}
	return base, strings.Replace(base, "//api.", "//login.", 1)
}

func (c Connection) rate() int {
	if c.RatePerMinute > 0 {
		return c.RatePerMinute
	}
	return DefaultRate
}
