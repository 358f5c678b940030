package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// binder sets the fields of a struct from a node and remembers where each of
// them stands, so that what is found wrong later can be reported there.
type binder struct {
	places map[string]position
	left   int
	report func(at position, path, format string, args ...any)
}

// maxValues bounds the values of one file with its aliases written out.
const maxValues = 100_000

func newBinder(report func(position, string, string, ...any)) *binder {
	return &binder{places: make(map[string]position), left: maxValues, report: report}
}

// place returns where the field stands, or the nearest one around it that is
// there.
func (b *binder) place(path string) position {
	for {
		if at, ok := b.places[path]; ok {
			return at
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	if at, ok := b.places[""]; ok {
		return at
	}
	return start
}

func (b *binder) bind(n *node, v reflect.Value, path string) {
	if b.left--; b.left <= 0 {
		if b.left == 0 {
			b.report(n.at, path, "more than %d values", maxValues)
		}
		return
	}
	if _, ok := b.places[path]; !ok {
		b.places[path] = n.at
	}
	if n.kind == null {
		return // as if it were not written
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		b.text(n, u, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		b.pointer(n, v, path)
	case reflect.Struct:
		if f, ok := listField(v); ok && n.kind == list {
			b.list(n, f, path)
			return
		}
		b.object(n, v, path)
	case reflect.Map:
		b.table(n, v, path)
	case reflect.Slice:
		b.list(n, v, path)
	default:
		b.scalar(n, v, path)
	}
}

func (b *binder) want(n *node, k kind, path string) bool {
	if n.kind != k {
		b.report(n.at, path, "must be %s, not %s", k, n.kind)
	}
	return n.kind == k
}

func (b *binder) text(n *node, u encoding.TextUnmarshaler, path string) {
	if !b.want(n, scalar, path) {
		return
	}
	if err := u.UnmarshalText([]byte(n.text)); err != nil {
		b.report(n.at, path, "%v", err)
	}
}

// pointer sets what is there or not. For a struct, on is all defaults and off
// is nothing.
func (b *binder) pointer(n *node, v reflect.Value, path string) {
	p := reflect.New(v.Type().Elem())
	if v.Type().Elem().Kind() == reflect.Struct && n.kind == scalar {
		if on, ok := truth(n.text); ok {
			if on {
				v.Set(p)
			}
			return
		}
	}
	v.Set(p)
	b.bind(n, p.Elem(), path)
}

func (b *binder) object(n *node, v reflect.Value, path string) {
	if !b.want(n, mapping, path) {
		return
	}
	fields := make(map[string]reflect.Value)
	collect(v, fields)
	for _, e := range n.entries {
		at := join(path, e.key)
		b.places[at] = e.at
		f, ok := fields[e.key]
		if !ok {
			b.report(e.at, at, "%s", unknown("key", e.key, slices.Collect(maps.Keys(fields))))
			continue
		}
		if l, ok := listField(v); ok && l.Addr().Pointer() == f.Addr().Pointer() {
			at = path // told of as if it were written without its key
		}
		b.value(e, f, at)
	}
}

// value binds a key's value. A scalar's place is its own, another's is the key.
func (b *binder) value(e entry, v reflect.Value, path string) {
	if e.value.kind == scalar {
		b.places[path] = e.value.at
	}
	b.bind(e.value, v, path)
}

// listField is the field that a struct written as a list means.
func listField(v reflect.Value) (reflect.Value, bool) {
	for i := range v.NumField() {
		if _, rest, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); rest == "list" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// collect maps the keys of a struct to its fields.
func collect(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Anonymous && strings.Contains(rest, "inline"):
			collect(v.Field(i), into)
		case f.IsExported() && name != "" && name != "-":
			into[name] = v.Field(i)
		}
	}
}

func (b *binder) table(n *node, v reflect.Value, path string) {
	if !b.want(n, mapping, path) {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.entries {
		at := join(path, e.key)
		b.places[at] = e.at
		elem := reflect.New(v.Type().Elem()).Elem()
		b.value(e, elem, at)
		v.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), elem)
	}
}

func (b *binder) list(n *node, v reflect.Value, path string) {
	if n.kind == scalar && v.Type().Elem().Kind() == reflect.String {
		b.report(n.at, path, "must be a list; write [%s]", n.text)
		return
	}
	if !b.want(n, list, path) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		b.bind(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (b *binder) scalar(n *node, v reflect.Value, path string) {
	if !b.want(n, scalar, path) {
		return
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(n.text)
	case v.Kind() == reflect.Bool:
		on, ok := truth(n.text)
		if !ok {
			b.report(n.at, path, "%q is neither yes nor no; write on or off", n.text)
		}
		v.SetBool(on)
	case v.CanInt():
		i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
		if err != nil {
			b.report(n.at, path, "%q is no whole number of this size; write it like 12", n.text)
			return
		}
		v.SetInt(i)
	default:
		panic(fmt.Sprintf("config: %s: no way to set a %s", path, v.Type()))
	}
}

func truth(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	}
	return false, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
