package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
)

var (
	errSyntax = errors.New("not a JSON value")
	errDeep   = errors.New("nested too deep")
)

// maxDepth bounds the nesting of objects and arrays; an envelope has six levels.
const maxDepth = 32

// scanner reads a JSON text once, front to back, and hands out only what is
// asked for. It exists because encoding/json reads an envelope four times to
// decode a few fields of it (see BenchmarkDecode), matches keys in any case and
// cannot bound the nesting.
//
// The first syntax error sticks in err and ends every loop. A value of another
// type than the one asked for is skipped and noted in mistyped, so that what
// follows is still checked.
type scanner struct {
	b        []byte
	i        int
	depth    int
	err      error
	mistyped bool
	zero     bool // a string that was asked for has a zero byte

	keys *keyring  // of those expected, nil: none
	last *knownKey // the key read last, nil: one that is not remembered
}

// end reports a syntax error unless only space is left.
func (s *scanner) end() {
	if s.peek() != 0 || s.i < len(s.b) {
		s.fail(errSyntax)
	}
}

func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.i = len(s.b)
}

// peek skips space and returns the next byte, zero at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return s.b[s.i]
	}
	return s.space()
}

func (s *scanner) space() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept consumes c if it is next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) expect(c byte) bool {
	if !s.accept(c) {
		s.fail(errSyntax)
		return false
	}
	return true
}

// other skips a value that is not of the type asked for; null is no value and
// of every type.
func (s *scanner) other() {
	if s.peek() != 'n' {
		s.mistyped = true
	}
	s.skip()
}

// object begins the object that is next and returns its first key; ok is false if
// there is none. The loop's body consumes the value of each key, which is valid
// until the next step:
//
//	for key, ok := s.object(); ok; key, ok = s.key() {
func (s *scanner) object() (key []byte, ok bool) {
	if s.peek() != '{' {
		s.other()
		return nil, false
	}
	if !s.begin('}') {
		return nil, false
	}
	return s.name()
}

// key returns the next key of the object, behind a value.
func (s *scanner) key() (key []byte, ok bool) {
	if !s.more('}') {
		return nil, false
	}
	return s.name()
}

func (s *scanner) name() (key []byte, ok bool) {
	if s.peek() != '"' {
		s.fail(errSyntax)
		return nil, false
	}
	if s.last != nil {
		if k := s.last.next; k != nil && bytes.HasPrefix(s.b[s.i:], k.written) {
			s.i += len(k.written)
			s.last = k
			return k.name, true
		}
	}
	begin := s.i
	key = s.text()
	if ok = s.expect(':'); ok && s.keys != nil {
		s.last = s.keys.learn(s.last, s.b[begin:s.i], key)
	}
	return key, ok
}

// array begins the array that is next; ok is false if it has no element. The
// loop's body consumes each:
//
//	for ok := s.array(); ok; ok = s.element() {
func (s *scanner) array() (ok bool) {
	if s.peek() != '[' {
		s.other()
		return false
	}
	return s.begin(']')
}

// element goes on to the next element of the array, behind one.
func (s *scanner) element() (ok bool) { return s.more(']') }

// begin reads an opening bracket; false if the closing one follows.
func (s *scanner) begin(closing byte) bool {
	s.i++
	if s.depth++; s.depth > maxDepth {
		s.fail(errDeep)
		return false
	}
	if s.accept(closing) {
		s.depth--
		return false
	}
	return true
}

// more reads what stands between two values; false if the closing bracket does.
func (s *scanner) more(closing byte) bool {
	switch s.peek() {
	case ',':
		s.i++
		return true
	case closing:
		s.i++
		s.depth--
	default:
		s.fail(errSyntax)
	}
	return false
}

func (s *scanner) literal(word string) {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		s.fail(errSyntax)
		return
	}
	s.i += len(word)
}

// skip reads the value that is next and returns its text.
func (s *scanner) skip() []byte {
	c := s.peek()
	start := s.i
	switch {
	case c == '{':
		for _, ok := s.object(); ok; _, ok = s.key() {
			s.skip()
		}
	case c == '[':
		for ok := s.array(); ok; ok = s.element() {
			s.skip()
		}
	case c == '"':
		if _, ok := s.plain(); ok {
			break
		}
		if quoted, _, escaped := s.quoted(); escaped && !json.Valid(quoted) {
			s.fail(errSyntax)
		}
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	case c == '-' || digit(c):
		s.number()
	default:
		s.fail(errSyntax)
	}
	if s.err != nil {
		return nil
	}
	return s.b[start:s.i]
}
