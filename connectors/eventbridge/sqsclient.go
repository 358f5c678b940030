package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Queue is what is needed of SQS; *sqs.Client has it.
type Queue interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// newSQSClient finds region and credentials the way every AWS program does.
func newSQSClient(ctx context.Context, c SQS) (*sqs.Client, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			// Each receiver has a poll open and acknowledges what others received.
			t.MaxIdleConnsPerHost = 4 * c.receivers()
		})))
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	region, endpoint := place(c)
	if region == "" {
		region = cfg.Region
	}
	if region == "" {
		if endpoint == "" {
			return nil, errors.New("no AWS region: not in the queue's URL, set AWS_REGION")
		}
		region = "us-east-1" // only signs requests to something that is not AWS
	}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		o.Region = region
		o.HTTPClient = readBody{o.HTTPClient}
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	}), nil
}

// readBody sends a request's body by Read alone. The SDK closes the body as soon
// as there is a response, and its WriteTo then fails with io.EOF instead of having
// nothing to write (smithy-go, transport/http/internal/io). net/http's write loop,
// which looks for more body after the last byte is sent, takes that for a broken
// connection and closes it under the response: what SQS has just handed out is
// lost to everybody until its visibility timeout.
type readBody struct{ sqs.HTTPClient }

func (c readBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.HTTPClient.Do(r)
}

// awsHost matches sqs.REGION.amazonaws.com, also FIPS, VPC endpoints and China.
var awsHost = regexp.MustCompile(`(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$`)

// place returns the region in the queue's URL and the endpoint to ask instead of
// AWS's own; each may be empty.
func place(c SQS) (region, endpoint string) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "", c.Endpoint
	}
	m := awsHost.FindStringSubmatch(u.Hostname())
	switch {
	case m != nil && !strings.Contains(u.Hostname(), ".vpce."):
		return m[1], c.Endpoint
	case m != nil:
		region = m[1]
	}
	if c.Endpoint != "" {
		return region, c.Endpoint
	}
	return region, u.Scheme + "://" + u.Host
}
