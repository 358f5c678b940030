package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"unpark/config"
)

var repository = filepath.Join("..", "..")

// documents are the names of those for people who use or change unpark.
func documents(t *testing.T) []string {
	t.Helper()
	names := []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"}
	more, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil || len(more) == 0 {
		t.Fatalf("no documents in docs: %v", err)
	}
	for _, path := range more {
		names = append(names, "docs/"+filepath.Base(path))
	}
	return names
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fences returns the code blocks of a document in one language.
func fences(doc, language string) []string {
	var blocks []string
	re := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	for _, m := range re.FindAllStringSubmatch(doc, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// TestReadmeConfig lints the configuration in the README: each block begins with
// a comment that says which file it is.
func TestReadmeConfig(t *testing.T) {
	dir := t.TempDir()
	blocks := fences(readDoc(t, "README.md"), "yaml")
	if len(blocks) < 2 {
		t.Fatalf("%d blocks of YAML, want those of a process and an org", len(blocks))
	}
	for _, block := range blocks {
		first, _, _ := strings.Cut(block, "\n")
		name, ok := strings.CutPrefix(first, "# config/")
		if !ok {
			t.Fatalf("a block of YAML begins with %q, want its file: # config/...", first)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, problems := config.Load(dir); len(problems) > 0 {
		t.Errorf("the README's configuration:\n%v", problems)
	}
}

var (
	inBackticks = regexp.MustCompile("`([^`\n]+)`")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
)

// TestDocsCommands has every command that the documents show be one: as a line
// of a console, or in backticks.
func TestDocsCommands(t *testing.T) {
	var targets []string
	for _, m := range makeTarget.FindAllStringSubmatch(readDoc(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	for _, name := range documents(t) {
		doc := readDoc(t, name)
		var lines []string
		for _, block := range fences(doc, "console") {
			lines = append(lines, strings.Split(block, "\n")...)
		}
		for _, m := range inBackticks.FindAllStringSubmatch(doc, -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			fields := strings.Fields(line)
			if len(fields) > 1 && fields[0] == "make" && !slices.Contains(targets, fields[1]) {
				t.Errorf("%s: %q: no such target", name, line)
			}
			if words, ok := commandLine(line); ok && !isCommand(words) {
				if err := accepts(words, "unpark"); err != "" {
					t.Errorf("%s: %q: %s", name, line, err)
				}
			}
		}
	}
}

// TestChangelogCommands has the changelog list every command.
func TestChangelogCommands(t *testing.T) {
	_, list, _ := strings.Cut(readDoc(t, "CHANGELOG.md"), "- **Commands**: ")
	list, _, _ = strings.Cut(list, "\n")
	var listed, all []string
	for _, m := range inBackticks.FindAllStringSubmatch(list, -1) {
		listed = append(listed, m[1])
	}
	for _, cmd := range commands(newRoot()) {
		if cmd.Runnable() && cmd.Name() != "help" && !cmd.HasSubCommands() {
			all = append(all, strings.TrimPrefix(cmd.CommandPath(), "unpark "))
		}
	}
	slices.Sort(listed)
	slices.Sort(all)
	if diff := cmp.Diff(all, listed); diff != "" {
		t.Errorf("CHANGELOG.md lists other commands (-there +listed):\n%s", diff)
	}
}

// isCommand says whether the words are a command's name, without what it is to work on.
func isCommand(words []string) bool {
	cmd, rest, err := newRoot().Find(words)
	return err == nil && cmd.HasParent() && len(rest) == 0
}

var (
	folderPath = regexp.MustCompile(`^\.?[a-z0-9_-]+/[A-Za-z0-9_./*-]*$`)
	fileName   = regexp.MustCompile(`^[A-Za-z0-9_-]+\.(go|md|proto|json|sh|yaml)$`)
	docLink    = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	// Paths of the reader's own, and names that only look like paths.
	foreignPath = regexp.MustCompile(`^(config/(unpark\.yaml|orgs/.*)|(orgs|x)/.*|unpark\.yaml|bin/.*)$`)
)

// TestDocsPaths has every file that the documents name be there.
func TestDocsPaths(t *testing.T) {
	for _, name := range documents(t) {
		doc := readDoc(t, name)
		var paths []string
		for _, m := range docLink.FindAllStringSubmatch(doc, -1) {
			paths = append(paths, filepath.ToSlash(filepath.Join(filepath.Dir(name), m[1])))
		}
		for _, m := range inBackticks.FindAllStringSubmatch(doc, -1) {
			if (folderPath.MatchString(m[1]) || fileName.MatchString(m[1])) && !foreignPath.MatchString(m[1]) {
				paths = append(paths, m[1])
			}
		}
		for _, path := range paths {
			found, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(path)))
			if err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which is not there", name, path)
			}
		}
	}
}

var (
	// What differs between two demos: when something is told, who is known meanwhile.
	excerptTime  = regexp.MustCompile(`^(\S+ )?\d\d:\d\d(:\d\d)?  (>> )?`)
	demoVaries   = regexp.MustCompile(`after [0-9.]+ hours|agent \S+\.`)
	demoSubject  = regexp.MustCompile(`(whatsapp|email)-\d\d`)
	excerptCount = regexp.MustCompile(`(?m)^ +(\d+)  (\w+ \w+) +\((\d+) expected\)$`)
)

// excerpt compares the README's excerpt of the demo with what the demo has just told
// as JSON Lines: what is told of each conversation, in that order, and the counts.
func excerpt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, 0)
	told := make(map[string][]string) // by what they are about
	counts := make(map[string]int)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var record struct {
			Text string
			Told map[string]int
		}
		ts.Check(json.Unmarshal([]byte(line), &record))
		subject := demoSubject.FindString(record.Text)
		told[subject] = append(told[subject], demoVaries.ReplaceAllString(record.Text, ""))
		if record.Told != nil {
			counts = record.Told
		}
	}
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	ts.Check(err)
	_, text, _ := strings.Cut(string(readme), "```\nA contact centre on")
	text, _, _ = strings.Cut(text, "```")
	for line := range strings.Lines(text) {
		prefix := excerptTime.FindString(line)
		if prefix == "" {
			continue
		}
		line = strings.TrimSpace(strings.TrimPrefix(line, prefix))
		subject := demoSubject.FindString(line)
		i := slices.Index(told[subject], demoVaries.ReplaceAllString(line, ""))
		if i < 0 {
			ts.Fatalf("the README has the demo say, where it does not: %s", line)
		}
		told[subject] = told[subject][i+1:]
	}
	written := make(map[string]string)
	for _, m := range excerptCount.FindAllStringSubmatch(text, -1) {
		written[m[2]] = m[1] + " of " + m[3]
	}
	for kind, n := range counts {
		if want := fmt.Sprintf("%d of %d", n, n); written[kind] != want {
			ts.Fatalf("the README has the demo count %q of %s, it counted %s", written[kind], kind, want)
		}
	}
}
