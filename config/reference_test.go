package config

import (
	"encoding"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n# (\\S+)\n.*?^```$")

// TestReference lints each file in docs/configuration.md, which all of their keys are in.
func TestReference(t *testing.T) {
	doc, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	written := make(keys)
	for _, m := range yamlBlock.FindAllSubmatch(doc, -1) {
		block, name := m[0][len("```yaml\n"):len(m[0])-len("```")], string(m[1])
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, block, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, problems := loadAt(dir, testNow); problems.Err() != nil {
			t.Errorf("%v", problems)
		}
		into := reflect.TypeFor[Process]()
		if name != processFile {
			into = reflect.TypeFor[Org]()
		}
		written.read(parse(block, func(position, string, ...any) {}), into)
	}
	known := make(keys)
	known.of(reflect.TypeFor[Process]())
	known.of(reflect.TypeFor[Org]())
	for key := range known {
		if !written[key] {
			t.Errorf("docs/configuration.md lacks %s of %s", key.name, key.in)
		}
	}
}

// keys are those of structs that are bound to a file.
type keys map[key]bool

type key struct {
	in   reflect.Type
	name string
}

// read adds the keys of a file that is bound to a type.
func (k keys) read(n *node, t reflect.Type) {
	switch elem, fields := keysOf(t); {
	case fields == nil:
		for _, item := range slices.Concat(n.items, values(n)) {
			if elem != nil {
				k.read(item, elem)
			}
		}
	case n.kind == list: // a struct that is written as the list in it
		field, _ := listField(reflect.New(elem).Elem())
		k.read(n, field.Type())
	default:
		for _, e := range n.entries {
			if f, ok := fields[e.key]; ok {
				k[key{elem, e.key}] = true
				k.read(e.value, f.Type())
			}
		}
	}
}

// of adds all keys of a type and what it holds.
func (k keys) of(t reflect.Type) {
	elem, fields := keysOf(t)
	if fields == nil && elem != nil {
		k.of(elem)
	}
	for name, f := range fields {
		k[key{elem, name}] = true
		k.of(f.Type())
	}
}

// keysOf returns a struct and its fields by their keys, or of a list or a table what it
// holds; nothing of a single value.
func keysOf(t reflect.Type) (reflect.Type, map[string]reflect.Value) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return nil, nil
	case t.Kind() == reflect.Struct:
		fields := make(map[string]reflect.Value)
		collect(reflect.New(t).Elem(), fields)
		return t, fields
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return t.Elem(), nil
	}
	return nil, nil
}

func values(n *node) (all []*node) {
	for _, e := range n.entries {
		all = append(all, e.value)
	}
	return all
}
