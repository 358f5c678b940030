package text

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// What a template may be and say.
const (
	maxSource = 4 << 10
	maxOutput = 16 << 10
)

// functions is all that a template can call, beside the comparisons of the
// library that are listed in allowed.
var functions = template.FuncMap{"upper": strings.ToUpper, "lower": strings.ToLower}

var allowed = []string{"and", "or", "not", "eq", "ne", "upper", "lower"}

// compile parses a template and refuses what could fail or take long: the texts
// of an org must never hold up or silence its alerts.
func compile(source string) (*template.Template, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("longer than %d bytes", maxSource)
	}
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("empty; leave it out to have the default")
	}
	t, err := template.New("text").Funcs(functions).Parse(source)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if len(t.Templates()) > 1 {
		return nil, errors.New("define and block have no place here")
	}
	if err := (checker{}).list(t.Root); err != nil {
		return nil, err
	}
	return t, nil
}

// execute returns what the template says of the fields.
func execute(t *template.Template, f *Fields) (string, error) {
	var b bounded
	if err := t.Execute(&b, f); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

// bounded is a buffer that refuses to grow without end.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("more than %d bytes", maxOutput)
	}
	return b.Builder.Write(p)
}

// checker walks a template's syntax. Inside a with, the dot is its value.
type checker struct{ inside bool }

func (c checker) list(l *parse.ListNode) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		if err := c.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) node(n parse.Node) error {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode:
		return nil
	case *parse.ActionNode:
		return c.pipe(n.Pipe)
	case *parse.IfNode:
		return errors.Join(c.pipe(n.Pipe), c.list(n.List), c.list(n.ElseList))
	case *parse.WithNode:
		return errors.Join(c.pipe(n.Pipe), checker{inside: true}.list(n.List), c.list(n.ElseList))
	}
	return fmt.Errorf("%s has no place here: only fields, if, with and the functions %s", word(n), strings.Join(allowed, ", "))
}

func (c checker) pipe(p *parse.PipeNode) error {
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			if err := c.value(arg); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c checker) value(n parse.Node) error {
	switch n := n.(type) {
	case *parse.FieldNode:
		if c.inside {
			return fmt.Errorf("%s inside a with: write $%s", n, n)
		}
		return field(n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] != "$" {
			return fmt.Errorf("%s: variables have no place here", n)
		}
		return field(n.Ident[1:])
	case *parse.IdentifierNode:
		if !slices.Contains(allowed, n.Ident) {
			return fmt.Errorf("unknown function %s; there are %s", n.Ident, strings.Join(allowed, ", "))
		}
		return nil
	case *parse.DotNode:
		if !c.inside {
			return errors.New("a dot alone says nothing; write a field such as .Agent")
		}
		return nil
	case *parse.StringNode, *parse.BoolNode:
		return nil
	case *parse.PipeNode:
		return c.pipe(n)
	}
	return fmt.Errorf("%s has no place here", word(n))
}

// field checks a path of fields: there is one level.
func field(path []string) error {
	if len(path) != 1 {
		return fmt.Errorf(".%s: write one field, such as $.Agent", strings.Join(path, "."))
	}
	if _, ok := reflect.TypeFor[Fields]().FieldByName(path[0]); !ok {
		return fmt.Errorf("unknown field .%s; there are %s", path[0], strings.Join(FieldNames(), " "))
	}
	return nil
}

// FieldNames returns what a template can say, each with its dot.
func FieldNames() []string {
	var names []string
	for f := range reflect.TypeFor[Fields]().Fields() {
		names = append(names, "."+f.Name)
	}
	return names
}

// word is the beginning of a node, for messages.
func word(n parse.Node) string {
	return Cut(clean(strings.Trim(n.String(), "{}")), 40)
}
