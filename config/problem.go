package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a configuration with the problem may be used.
type Severity int

// Severities.
const (
	Error Severity = iota
	Warning
)

// Category says what a problem is about, so that a command that needs only part
// of a configuration can pass over the problems of the rest.
type Category string

// Categories.
const (
	// AboutRules: what is alerted, and when.
	AboutRules Category = "rules"
	// AboutRoutes: whom to tell. A replay tells nobody.
	AboutRoutes Category = "routes"
	// AboutGenesys: the connection to an org, checks and actions. A replay judges
	// without them.
	AboutGenesys Category = "genesys"
	// AboutFuture: a calendar that never opens again. It was open in the past,
	// which is what a replay looks at.
	AboutFuture Category = "future"
	// AboutProcess: unpark.yaml.
	AboutProcess Category = "process"
	// AboutFolder: the folder itself, which everybody needs.
	AboutFolder Category = "folder"
)

// Problem is one thing wrong with a file.
type Problem struct {
	File string
	// Line and Column count from 1; both are 0 if the problem is not in a place.
	Line, Column int
	// Path is that of the field, such as policies[0].objectives[1].hours.
	Path     string
	Message  string
	Severity Severity
	Category Category
}

// String is how a compiler would say it.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Severity == Warning {
		b.WriteString(": warning")
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	return b.String() + ": " + p.Message
}

// Problems is everything wrong with a configuration, in the order of the files.
type Problems []Problem

// Errors returns the problems for which the configuration may not be used by
// somebody whom those of the ignored categories do not concern.
func (ps Problems) Errors(ignore ...Category) Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool {
		return p.Severity != Error || slices.Contains(ignore, p.Category)
	})
}

// Warnings returns the problems that only deserve a look.
func (ps Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Severity != Warning })
}

// Err returns Errors as an error, nil if there are none.
func (ps Problems) Err(ignore ...Category) error {
	if errs := ps.Errors(ignore...); len(errs) > 0 {
		return errs
	}
	return nil
}

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
}
