package config

import "github.com/goccy/go-yaml/ast"

// entries returns a mapping's own keys, then those merged into it that it does
// not have itself.
func (t *tree) entries(values []*ast.MappingValueNode) []entry {
	var own []entry
	var merged []*node
	seen := make(map[string]bool)
	for _, mv := range values {
		key, here := mv.Key, at(mv.Key.GetToken())
		if key.IsMergeKey() {
			merged = append(merged, t.convert(mv.Value))
			continue
		}
		k := t.convert(key)
		switch {
		case k.kind != scalar:
			t.report(here, "a key must be a plain word")
		case seen[k.text]:
			t.report(here, "the key %s is there twice", k.text)
		default:
			seen[k.text] = true
			own = append(own, entry{k.text, here, t.convert(mv.Value)})
		}
	}
	for _, m := range merged {
		own = t.merge(own, seen, m)
	}
	return own
}

func (t *tree) merge(own []entry, seen map[string]bool, m *node) []entry {
	sources := []*node{m}
	if m.kind == list {
		sources = m.items
	}
	for _, s := range sources {
		if s.kind != mapping {
			t.report(s.at, "<< needs keys to merge, such as *name")
			continue
		}
		for _, e := range s.entries {
			if !seen[e.key] {
				seen[e.key] = true
				own = append(own, e)
			}
		}
	}
	return own
}
