package config

import (
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// plainColon returns the text of a list's item that the parser took for a key
// and its value although it is one word with a colon inside: in
// {brokers: [b1:9093]} it splits b1:9093, where YAML wants a space after the
// colon of a key (goccy/go-yaml issue 832).
func plainColon(item ast.Node) (text string, ok bool) {
	m, ok := item.(*ast.MappingNode)
	if !ok || m.IsFlowStyle || len(m.Values) != 1 {
		return "", false
	}
	kv := m.Values[0]
	value, ok := kv.Value.(ast.ScalarNode)
	if !ok {
		return "", false
	}
	k, v := kv.Key.GetToken(), value.GetToken()
	if !plainToken(k) || !plainToken(v) || !adjacent(k, kv.Start) || !adjacent(kv.Start, v) {
		return "", false
	}
	return k.Value + ":" + v.Value, true
}

func plainToken(t *token.Token) bool {
	return t.Type != token.SingleQuoteType && t.Type != token.DoubleQuoteType && t.Indicator == token.NotIndicator
}

// adjacent says whether b begins where a ends.
func adjacent(a, b *token.Token) bool {
	return a.Position.Line == b.Position.Line && a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}
