package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config is what a folder says.
type Config struct {
	Process Process
	// Orgs are in the order of their names.
	Orgs []Org

	places map[string]*reporter // where the fields of each org's file stand, by its name
}

// Names in the folder.
const (
	processFile = "unpark.yaml"
	misnamed    = "unpark.yml" // without the right one the process runs on defaults, with a broker of its own
	orgsDir     = "orgs"
)

// Load reads a folder. What could be read is returned beside the problems; a
// caller that goes on asks Problems.Err first.
func Load(dir string) (*Config, Problems) {
	l := &loader{now: time.Now()}
	c := l.load(dir)
	l.problems.sort()
	return c, l.problems
}

type loader struct {
	now      time.Time
	problems Problems
	places   map[string]*reporter // of the org files, by their names
}

func (l *loader) load(dir string) *Config {
	c := &Config{Process: DefaultProcess()}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		l.file(dir, AboutFolder, Error, "no such folder")
		return c
	}
	if name := filepath.Join(dir, misnamed); exists(name) {
		l.file(name, AboutProcess, Warning, "is not read; the file of the process is %s", processFile)
	}
	c.Process = l.process(filepath.Join(dir, processFile))
	c.Orgs = l.orgs(filepath.Join(dir, orgsDir))
	c.places = l.places
	return c
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// file reports what concerns a file as a whole.
func (l *loader) file(name string, c Category, s Severity, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: name, Message: fmt.Sprintf(format, args...), Severity: s, Category: c})
}

func (l *loader) process(name string) Process {
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.file(name, AboutProcess, Error, "cannot be read: %v", reason(err))
	}
	return l.parseProcess(name, data)
}

func (l *loader) parseProcess(name string, data []byte) Process {
	p := DefaultProcess()
	r := l.bind(name, data, AboutProcess, &p)
	p.complete()
	p.lint(r)
	return p
}

func (l *loader) orgs(dir string) []Org {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.file(dir, AboutRules, Error, "cannot be read: %v", reason(err))
	}
	var orgs []Org
	for _, f := range files {
		name := filepath.Join(dir, f.Name())
		switch {
		case strings.HasPrefix(f.Name(), ".") || f.IsDir():
		case filepath.Ext(name) != ".yaml":
			l.file(name, AboutRules, Warning, "is not read; the files of orgs end in .yaml")
		default:
			orgs = l.org(orgs, name)
		}
	}
	if len(orgs) == 0 {
		l.file(dir, AboutRules, Warning, "there is no org here; events of orgs without a configuration are counted and ignored")
	}
	return orgs
}

// org reads one more file; an org may have only one.
func (l *loader) org(orgs []Org, name string) []Org {
	data, err := os.ReadFile(name)
	if err != nil {
		l.file(name, AboutRules, Error, "cannot be read: %v", reason(err))
		return orgs
	}
	o, r := l.parseOrg(name, data)
	if l.places == nil {
		l.places = make(map[string]*reporter)
	}
	l.places[o.Name] = r
	if i := slices.IndexFunc(orgs, func(other Org) bool { return other.ID == o.ID && o.ID != "" }); i >= 0 {
		r.err("id", "%s.yaml has this org already", orgs[i].Name)
	}
	return append(orgs, o)
}

func (l *loader) parseOrg(name string, data []byte) (Org, *reporter) {
	o := defaultOrg(strings.TrimSuffix(filepath.Base(name), ".yaml"))
	r := l.bind(name, data, AboutRules, &o)
	o.lint(r, l.now)
	return o, r
}

// reason leaves out the path, which the problem has.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
