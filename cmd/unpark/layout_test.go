package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLayoutImports keeps the map of packages in ARCHITECTURE.md true: it has a
// row for every package of the module, with exactly what the package imports.
func TestLayoutImports(t *testing.T) {
	rows := architectureRows(t)
	for _, p := range listPackages(t) {
		if got, want := rows[p.name], p.row(); got != want {
			t.Errorf("ARCHITECTURE.md has of %s\n  %s\nand go list says (if that is meant, it is the row to have)\n| %s |", p.name, got, want)
		}
		delete(rows, p.name)
	}
	for name := range rows {
		t.Errorf("ARCHITECTURE.md has a row for %s, which is no package", name)
	}
}

// TestLayoutDocs has every package say what it is for, and what it reads and
// writes, so that grep -rE '// (Reads|Writes):' prints the data flow.
func TestLayoutDocs(t *testing.T) {
	for _, p := range listPackages(t) {
		var doc strings.Builder
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			doc.WriteString(file.Doc.Text())
		}
		if doc.Len() == 0 {
			t.Errorf("%s has no package comment", p.name)
			continue
		}
		for _, line := range []string{"Reads:", "Writes:"} {
			if n := strings.Count("\n"+doc.String(), "\n"+line); n != 1 {
				t.Errorf("the package comment of %s has %d lines %q, want 1", p.name, n, line)
			}
		}
	}
}

type listedPackage struct {
	Dir        string
	ImportPath string
	GoFiles    []string
	Imports    []string
	Module     struct{ Path string }

	name string // ImportPath below the module
}

// row is what the table says of p: the packages of this module and the modules
// of others that it imports.
func (p listedPackage) row() string {
	var ours, others []string
	for _, path := range p.Imports {
		if name, ok := strings.CutPrefix(path, p.Module.Path+"/"); ok {
			ours = append(ours, name)
		} else if host, _, _ := strings.Cut(path, "/"); strings.Contains(host, ".") {
			others = append(others, module(path))
		}
	}
	return strings.Join(cells(p.name, ours, others), " | ")
}

func cells(name string, lists ...[]string) []string {
	row := []string{"`" + name + "`"}
	for _, list := range lists {
		slices.Sort(list)
		list = slices.Compact(list)
		if len(list) == 0 {
			list = []string{"none"}
		} else {
			list = []string{"`" + strings.Join(list, "`, `") + "`"}
		}
		row = append(row, list...)
	}
	return row
}

// module names the module of an import path as people do: franz-go for
// github.com/twmb/franz-go/pkg/kgo, x/sync for golang.org/x/sync/errgroup.
func module(path string) string {
	parts := strings.Split(path, "/")
	switch parts[0] {
	case "github.com":
		return parts[2]
	case "golang.org":
		return parts[1] + "/" + parts[2]
	default: // google.golang.org/protobuf, go.opentelemetry.io/otel
		return parts[1]
	}
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,GoFiles,Imports,Module", "./...")
	cmd.Dir = filepath.Join("..", "..")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		p.name = strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
		packages = append(packages, p)
	}
}

var tableRow = regexp.MustCompile("(?m)^\\| (`([^`]+)` \\| [^|]+ \\| [^|]+) \\|$")

// architectureRows returns the rows of the table of packages by package.
func architectureRows(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| Package | Imports from this module | Third party it owns |\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no table of packages")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string]string{}
	for _, m := range tableRow.FindAllStringSubmatch(table+"\n", -1) {
		if _, ok := rows[m[2]]; ok {
			t.Errorf("ARCHITECTURE.md has two rows for %s", m[2])
		}
		rows[m[2]] = m[1]
	}
	return rows
}
