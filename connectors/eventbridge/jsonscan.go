package eventbridge

import (
	"encoding/json"
	"errors"
	"iter"
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
	if s.peek() != c || s.i >= len(s.b) {
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

// object yields the keys of the object that is next; the loop's body consumes
// the value of each. A key is valid until the next step.
func (s *scanner) object() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if s.peek() != '{' {
			s.other()
			return
		}
		s.container('}', func() bool {
			if s.peek() != '"' {
				s.fail(errSyntax)
				return false
			}
			key := s.text()
			return s.expect(':') && yield(key)
		})
	}
}

// array yields once for each element of the array that is next; the loop's body
// consumes it.
func (s *scanner) array() iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		if s.peek() != '[' {
			s.other()
			return
		}
		s.container(']', func() bool { return yield(struct{}{}) })
	}
}

// container reads from an opening bracket to the closing one.
func (s *scanner) container(closing byte, element func() bool) {
	s.i++
	if s.depth++; s.depth > maxDepth {
		s.fail(errDeep)
		return
	}
	if !s.accept(closing) {
		for element() && s.err == nil && !s.accept(closing) && s.expect(',') {
		}
	}
	s.depth--
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
		for range s.object() {
			s.skip()
		}
	case c == '[':
		for range s.array() {
			s.skip()
		}
	case c == '"':
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
