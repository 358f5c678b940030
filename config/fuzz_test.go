package config

import (
	"os"
	"path/filepath"
	"testing"
)

// Whatever a file holds, it is read without a panic, every problem of it has a
// place, and what has no error can be published and judged by.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"example/*.yaml", "example/orgs/*.yaml", "testdata/bad/*.yaml", "testdata/bad/orgs/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatal(pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, text := range []string{
		"a: &a [*a]", "<<: 1", "<<: [{id: x}, {id: y}]", "? {a: b}\n: c", "!!str x: y", "--- {}\n--- {}", "id: |\n  x", "id: .nan", "\ufeffid: x", "*a: 1",
		"policies: [&p {name: x, <<: {bots: reply}}, *p]", "timing: {grace: 1e400h}", "%YAML 1.2\n---\nid: x",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &loader{now: testNow}
		l.parseProcess("unpark.yaml", data)
		o, _ := l.parseOrg("orgs/acme.yaml", data)
		good := true
		for _, p := range l.problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("problem without a place: %+v", p)
			}
			good = good && (p.File == "unpark.yaml" || p.Severity == Warning)
		}
		if _, _, err := o.JSON(); err != nil && good {
			t.Errorf("no problem, and yet: %v", err)
		}
	})
}
