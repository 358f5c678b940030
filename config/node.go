package config

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// node is a YAML value without what does not matter here: anchors are resolved,
// merged keys are in place, comments are gone.
type node struct {
	kind    kind
	at      position
	text    string // scalar
	items   []*node
	entries []entry
}

type entry struct {
	key   string
	at    position
	value *node
}

type position struct{ line, column int }

type kind int

const (
	null kind = iota
	scalar
	list
	mapping
)

// Bounds of a file, so that none can keep the reader busy for long.
const (
	maxFile  = 1 << 20
	maxDepth = 50
)

// tree turns a file's text into nodes.
type tree struct {
	anchors map[string]*node
	depth   int
	// report says what is wrong at a place.
	report func(at position, format string, args ...any)
}

var start = position{1, 1}

// parse returns the file's only document; nil if there is none to be had.
func parse(data []byte, report func(position, string, ...any)) *node {
	switch {
	case len(data) > maxFile:
		report(start, "the file is larger than %d MiB", maxFile>>20)
		return nil
	case !utf8.Valid(data):
		report(start, "the file is not UTF-8 text")
		return nil
	}
	file, err := parseYAML(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		var ye yaml.Error
		if errors.As(err, &ye) && ye.GetToken() != nil {
			report(at(ye.GetToken()), "%s", ye.GetMessage())
		} else {
			report(start, "%v", err)
		}
		return nil
	}
	t := &tree{anchors: make(map[string]*node), report: report}
	return t.document(file)
}

// parseYAML keeps a panic of the parser from ending the program: a file is
// never worth that.
func parseYAML(data []byte) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the file is not YAML")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

func (t *tree) document(f *ast.File) *node {
	var body ast.Node
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			t.report(at(doc.Body.GetToken()), "a second document; write one file for each")
			break
		}
		body = doc.Body
	}
	if body == nil {
		return &node{at: start}
	}
	return t.convert(body)
}

func (t *tree) convert(n ast.Node) *node {
	if t.depth++; t.depth > maxDepth {
		t.report(at(n.GetToken()), "nested deeper than %d levels", maxDepth)
		t.depth--
		return &node{at: at(n.GetToken())}
	}
	defer func() { t.depth-- }()
	here := at(first(n))
	switch n := n.(type) {
	case *ast.MappingNode:
		return &node{kind: mapping, at: here, entries: t.entries(n.Values)}
	case *ast.MappingValueNode:
		return &node{kind: mapping, at: here, entries: t.entries([]*ast.MappingValueNode{n})}
	case *ast.SequenceNode:
		s := &node{kind: list, at: here}
		for _, v := range n.Values {
			if text, ok := plainColon(v); ok && n.IsFlowStyle {
				s.items = append(s.items, &node{kind: scalar, at: at(first(v)), text: text})
				continue
			}
			s.items = append(s.items, t.convert(v))
		}
		return s
	case *ast.AnchorNode:
		return t.anchor(n)
	case *ast.AliasNode:
		return t.alias(n)
	case *ast.NullNode:
		return &node{at: here}
	case *ast.StringNode:
		return &node{kind: scalar, at: here, text: n.Value}
	case *ast.LiteralNode:
		return &node{kind: scalar, at: here, text: n.Value.Value}
	case ast.ScalarNode:
		if n.Type() != ast.TagType {
			return &node{kind: scalar, at: here, text: n.GetToken().Value}
		}
	}
	t.report(here, "this kind of YAML (%s) is not understood here", n.Type())
	return &node{at: here}
}

func (t *tree) anchor(n *ast.AnchorNode) *node {
	name := n.Name.GetToken().Value
	delete(t.anchors, name) // an alias inside means an earlier one, not itself
	v := t.convert(n.Value)
	t.anchors[name] = v
	return v
}

func (t *tree) alias(n *ast.AliasNode) *node {
	name := n.Value.GetToken().Value
	here := at(n.GetToken())
	v, ok := t.anchors[name]
	if !ok {
		t.report(here, "no anchor &%s stands before this", name)
		return &node{at: here}
	}
	// Problems of the value are reported where it is used.
	used := *v
	used.at = here
	return &used
}

// first returns the token a value begins with: a mapping without braces has its
// first colon as its own.
func first(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

func at(t *token.Token) position {
	if t == nil || t.Position == nil || t.Position.Line < 1 || t.Position.Column < 1 {
		return start
	}
	return position{t.Position.Line, t.Position.Column}
}

func (k kind) String() string {
	switch k {
	case scalar:
		return "a single value"
	case list:
		return "a list"
	case mapping:
		return "keys with values"
	}
	return "nothing"
}

func (p position) String() string { return fmt.Sprintf("%d:%d", p.line, p.column) }
