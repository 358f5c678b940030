package eventbridge

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Config says where envelopes come from: `bridge` in unpark.yaml.
type Config struct {
	Sources []Source `yaml:"sources"`
}

// Source is one place that holds envelopes; exactly one of the fields is set.
type Source struct {
	SQS  *SQS  `yaml:"sqs"`
	File *File `yaml:"file"`
}

// SQS is a queue that an EventBridge rule delivers to. Credentials are those of
// the host: environment, profile, web identity, container or instance role.
type SQS struct {
	// URL of the queue. Its region is the one asked, else the host's own.
	URL string `yaml:"url"`
	// Receivers is how many long polls run at the same time; default 4.
	Receivers int `yaml:"receivers"`
	// Endpoint replaces AWS's. A URL that is not AWS's is its own endpoint.
	Endpoint string `yaml:"endpoint"`
}

// File is an archive of envelopes, one a line, plain or compressed with gzip. It
// is read once, from its start, whenever the bridge starts.
type File struct {
	// Path of the file; "-" is standard input.
	Path string `yaml:"path"`
}

const (
	defaultReceivers = 4
	maxReceivers     = 64
)

func (s SQS) receivers() int { return cmp.Or(s.Receivers, defaultReceivers) }

// name is what the source is called in records, metrics and logs: the queue's
// account and name.
func (s SQS) name() string {
	parts := strings.Split(strings.TrimSuffix(path(s.URL), "/"), "/")
	return "sqs:" + strings.Join(parts[max(0, len(parts)-2):], "/")
}

func path(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Path
}

func (f File) name() string {
	if f.Path == "-" {
		return "file:-"
	}
	return "file:" + filepath.Base(f.Path)
}

func (s Source) name() string {
	switch {
	case s.SQS != nil:
		return s.SQS.name()
	case s.File != nil:
		return s.File.name()
	}
	return ""
}

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Field is the path of the field, such as sources[0].sqs.url.
	Field string
	// Message says what is wrong and what to write instead.
	Message string
}

// Problems is everything wrong at once.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Field + ": " + one.Message
	}
	return strings.Join(lines, "; ")
}

func (p *Problems) add(field, format string, args ...any) {
	*p = append(*p, Problem{field, fmt.Sprintf(format, args...)})
}

// Validate returns what is wrong with the configuration, as a Problems.
func (c Config) Validate() error {
	var ps Problems
	names := make(map[string]string)
	for i, s := range c.Sources {
		field := fmt.Sprintf("sources[%d]", i)
		s.validate(field, &ps)
		name := s.name()
		if other, taken := names[name]; taken && name != "" {
			ps.add(field, "would be named %s, as %s is; progress is told by name, so names must differ", name, other)
		}
		names[name] = field
	}
	if len(ps) > 0 {
		return ps
	}
	return nil
}

func (s Source) validate(field string, ps *Problems) {
	switch {
	case s.SQS != nil && s.File != nil:
		ps.add(field, "has both sqs and file; make two sources of it")
	case s.SQS != nil:
		s.SQS.validate(field+".sqs", ps)
	case s.File == nil:
		ps.add(field, "write sqs: {url: ...} or file: {path: ...}")
	case s.File.Path == "":
		ps.add(field+".file.path", "missing; write a file, or - for standard input")
	}
}

func (s SQS) validate(field string, ps *Problems) {
	if !isHTTP(s.URL) || len(strings.Split(strings.Trim(path(s.URL), "/"), "/")) < 2 {
		ps.add(field+".url", "%q is no queue; write https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE", s.URL)
	}
	if s.Receivers < 0 || s.Receivers > maxReceivers {
		ps.add(field+".receivers", "%d: write 1 to %d", s.Receivers, maxReceivers)
	}
	if s.Endpoint != "" && !isHTTP(s.Endpoint) {
		ps.add(field+".endpoint", "%q is no endpoint; write http://HOST:PORT", s.Endpoint)
	}
}

func isHTTP(rawURL string) bool {
	u, err := url.Parse(rawURL)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
