package eventbridge

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for want, s := range map[string]Source{
		"sqs:123456789012/genesys": {SQS: &SQS{URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/genesys"}},
		"sqs:000000000000/q":       {SQS: &SQS{URL: "http://localhost:9324/queue/000000000000/q/"}},
		"file:events.jsonl.gz":     {File: &File{Path: "/var/archive/events.jsonl.gz"}},
		"file:-":                   {File: &File{Path: "-"}},
	} {
		if got := s.name(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := &SQS{URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/genesys"}
	for _, tc := range []struct {
		name    string
		sources []Source
		want    string // part of the error; empty: none
	}{
		{"nothing", nil, ""},
		{"a queue and a file", []Source{{SQS: good}, {File: &File{Path: "-"}}}, ""},
		{"neither", []Source{{}}, "sources[0]: write sqs"},
		{"both", []Source{{SQS: good, File: &File{Path: "x"}}}, "sources[0]: has both"},
		{"no path", []Source{{File: &File{}}}, "sources[0].file.path: missing"},
		{"no url", []Source{{SQS: &SQS{}}}, "sources[0].sqs.url"},
		{"a queue's name", []Source{{SQS: &SQS{URL: "genesys"}}}, "is no queue"},
		{"an ARN", []Source{{SQS: &SQS{URL: "arn:aws:sqs:eu-west-1:123456789012:genesys"}}}, "is no queue"},
		{"a host only", []Source{{SQS: &SQS{URL: "https://sqs.eu-west-1.amazonaws.com"}}}, "is no queue"},
		{"receivers", []Source{{SQS: &SQS{URL: good.URL, Receivers: 65}}}, "sources[0].sqs.receivers: 65"},
		{"endpoint", []Source{{SQS: &SQS{URL: good.URL, Endpoint: "localhost:9324"}}}, "sources[0].sqs.endpoint"},
		{"twice", []Source{{SQS: good}, {SQS: good}}, "sources[1]: would be named sqs:123456789012/genesys, as sources[0] is"},
		{"base names", []Source{{File: &File{Path: "a/x.jsonl"}}, {File: &File{Path: "b/x.jsonl"}}}, "names must differ"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Config{Sources: tc.sources}.Validate()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
