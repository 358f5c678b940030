package eventbridge

import (
	"encoding/json"
	"errors"
	"iter"
	"math"
	"strconv"
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
	defer func() { s.depth-- }()
	if s.accept(closing) {
		return
	}
	for element() && s.err == nil {
		if s.accept(closing) {
			return
		}
		if !s.expect(',') {
			return
		}
	}
}

// str returns the string that is next, nil if it is null or no string. It may
// point into the text.
func (s *scanner) str() []byte {
	if s.peek() != '"' {
		s.other()
		return nil
	}
	return s.text()
}

// text reads a string, its escapes resolved; the opening quote is next.
func (s *scanner) text() []byte {
	quoted, plain, _ := s.quoted()
	if plain {
		return quoted[1 : len(quoted)-1]
	}
	if s.err != nil {
		return nil
	}
	return s.unquote(quoted)
}

// quoted reads a string with its quotes. Plain ones are ASCII without escapes.
func (s *scanner) quoted() (quoted []byte, plain, escaped bool) {
	start, ascii := s.i, true
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start:s.i], ascii && !escaped, escaped
		case c == '\\':
			escaped = true
			s.i++
		case c < ' ':
			s.fail(errSyntax)
			return nil, false, false
		case c >= 0x80:
			ascii = false
		}
	}
	s.fail(errSyntax)
	return nil, false, false
}

// unquote resolves escapes and replaces what is no UTF-8. Such strings are rare,
// so the library may be slow.
func (s *scanner) unquote(quoted []byte) []byte {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		s.fail(errSyntax)
	}
	return []byte(text)
}

// whole returns the whole number that is next; ok is false for null, other
// types and fractions. What no int64 holds is returned as the nearest one.
func (s *scanner) whole() (n int64, ok bool) {
	if c := s.peek(); c != '-' && !digit(c) {
		s.other()
		return 0, false
	}
	start := s.i
	s.number()
	n, err := strconv.ParseInt(string(s.b[start:s.i]), 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return n, s.err == nil
	}
	// JSON knows no integers: 1.5e3 is a whole number as well.
	f, _ := strconv.ParseFloat(string(s.b[start:s.i]), 64)
	if f != math.Trunc(f) {
		s.mistyped = true
		return 0, false
	}
	if math.Abs(f) >= 1<<62 {
		return int64(math.Copysign(1<<62, f)), s.err == nil
	}
	return int64(f), s.err == nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// at returns the byte at the position, zero at the end.
func (s *scanner) at() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) digits() {
	if !digit(s.at()) {
		s.fail(errSyntax)
	}
	for digit(s.at()) {
		s.i++
	}
}

func (s *scanner) number() {
	if s.at() == '-' {
		s.i++
	}
	if s.at() == '0' {
		s.i++
	} else {
		s.digits()
	}
	if s.at() == '.' {
		s.i++
		s.digits()
	}
	if c := s.at(); c == 'e' || c == 'E' {
		if s.i++; s.at() == '+' || s.at() == '-' {
			s.i++
		}
		s.digits()
	}
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
