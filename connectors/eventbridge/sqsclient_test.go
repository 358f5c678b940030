package eventbridge

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// lateWriter answers as soon as it has the whole request, and looks for more of
// its body only when the response is read: net/http's write loop on a busy core.
type lateWriter struct{ t *testing.T }

func (l lateWriter) Do(r *http.Request) (*http.Response, error) {
	if n, err := io.Copy(io.Discard, io.LimitReader(r.Body, r.ContentLength)); n != r.ContentLength || err != nil {
		l.t.Errorf("request: %d of %d bytes, %v", n, r.ContentLength, err)
	}
	answer := strings.NewReader(`{"Messages":[{"Body":"a"}]}`)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
		if n, err := io.Copy(io.Discard, r.Body); n != 0 || err != nil {
			l.t.Errorf("after the request: %d bytes, %v; net/http would close the connection", n, err)
		}
		return answer.Read(p)
	}))}, nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAResponseBeforeTheRequestIsDone(t *testing.T) {
	c := newFakeSQS(t).source(1).SQS
	client, err := newSQSClient(t.Context(), *c)
	if err != nil {
		t.Fatal(err)
	}
	options := client.Options()
	own, ok := options.HTTPClient.(readBody)
	if !ok {
		t.Fatalf("the client sends by %T", options.HTTPClient)
	}
	own.HTTPClient = lateWriter{t}
	options.HTTPClient = own
	out, err := sqs.New(options).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &c.URL})
	if err != nil || len(out.Messages) != 1 {
		t.Errorf("%v, %v", out, err)
	}
}
