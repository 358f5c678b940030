package config

import (
	"fmt"
	"reflect"
	"strings"
)

// reporter collects the problems of one file.
type reporter struct {
	loader   *loader
	file     string
	category Category // of the file
	fixed    Category // set by about
	places   *binder
	// said holds the fields that have a problem already: what a bad value leads
	// to is not worth another.
	said map[string]bool
	// broken: the file has no keys at all, so what it seems to lack means nothing.
	broken bool
}

// bind sets *into from the file's text and returns a reporter that knows where
// its fields stand.
func (l *loader) bind(name string, data []byte, c Category, into any) *reporter {
	r := &reporter{loader: l, file: name, category: c, said: make(map[string]bool)}
	r.places = newBinder(r.at)
	n := parse(data, func(at position, format string, args ...any) { r.at(at, "", format, args...) })
	if n != nil {
		r.places.bind(n, reflect.ValueOf(into).Elem(), "")
	}
	r.broken = n == nil || n.kind != mapping && n.kind != null
	return r
}

// about returns a reporter of problems of another category.
func (r *reporter) about(c Category) *reporter {
	other := *r
	other.fixed = c
	return &other
}

// err reports an error at the field.
func (r *reporter) err(path, format string, args ...any) { r.lint(Error, path, format, args...) }

// warn reports a warning at the field.
func (r *reporter) warn(path, format string, args ...any) { r.lint(Warning, path, format, args...) }

func (r *reporter) lint(s Severity, path, format string, args ...any) {
	if r.broken || r.said[path] {
		return
	}
	r.at(r.places.place(path), path, format, args...)
	r.loader.problems[len(r.loader.problems)-1].Severity = s
}

func (r *reporter) at(at position, path, format string, args ...any) {
	r.said[path] = path != ""
	r.loader.problems = append(r.loader.problems, Problem{
		File: r.file, Line: at.line, Column: at.column, Path: path,
		Message: fmt.Sprintf(format, args...), Category: r.of(path),
	})
}

// of returns the category of a field's problems.
func (r *reporter) of(path string) Category {
	if r.fixed != "" {
		return r.fixed
	}
	top, _, _ := strings.Cut(path, ".")
	switch {
	case r.category != AboutRules:
	case top == "routes":
		return AboutRoutes
	case top == "genesys", top == "actions", top == "checks":
		return AboutGenesys
	}
	return r.category
}

// failed says whether the file has an error in its rules.
func (r *reporter) failed() bool {
	for _, p := range r.loader.problems {
		if p.File == r.file && p.Severity == Error && p.Category == AboutRules {
			return true
		}
	}
	return false
}
