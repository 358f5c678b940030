package eventbridge

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

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
	if text, ok := s.plain(); ok {
		return text
	}
	quoted, plain, _ := s.quoted()
	if plain {
		return quoted[1 : len(quoted)-1]
	}
	if s.err != nil {
		return nil
	}
	return s.unquote(quoted)
}

// special marks the bytes of a string that need a look: its end, escapes, control
// characters and what is not ASCII.
var special [256]bool

func init() {
	for c := range special {
		special[c] = c == '"' || c == '\\' || c < ' ' || c >= 0x80
	}
}

// The bytes of eight characters are looked at as one word.
const (
	everyByte = 0x0101010101010101
	topBits   = 0x80 * everyByte
)

// plainUntil returns the place of the first special byte from i on, or one close to
// the end of the text.
func (s *scanner) plainUntil(i int) int {
	for ; i+8 <= len(s.b); i += 8 {
		w := binary.LittleEndian.Uint64(s.b[i:])
		// With '"' changed for a space, and a space for it, one comparison finds quotes and
		// what is below a space. The lowest of these bits is right; a borrow may set others
		// above it.
		quotes, backslashes := (w^2*everyByte)-(' '+1)*everyByte, (w^'\\'*everyByte)-everyByte
		if found := (w | quotes | backslashes) & topBits; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	return i
}

// plain reads a string without its quotes if its first special byte is its end, as
// that of most is; otherwise it reads nothing.
func (s *scanner) plain() (text []byte, ok bool) {
	end := s.plainUntil(s.i + 1)
	if end >= len(s.b) || s.b[end] != '"' {
		return nil, false
	}
	text = s.b[s.i+1 : end]
	s.i = end + 1
	return text, true
}

// quoted reads a string with its quotes. Plain ones are ASCII without escapes.
func (s *scanner) quoted() (quoted []byte, plain, escaped bool) {
	start, ascii := s.i, true
	for i := s.plainUntil(s.i + 1); i < len(s.b); i++ {
		c := s.b[i]
		if !special[c] {
			continue
		}
		switch {
		case c == '"':
			s.i = i + 1
			return s.b[start:s.i], ascii && !escaped, escaped
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			s.fail(errSyntax)
			return nil, false, false
		default:
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
	s.zero = s.zero || strings.IndexByte(text, 0) >= 0
	return []byte(text)
}

// whole returns the whole number that is next; ok is false for null, other
// types and fractions. What no int64 holds is returned as the nearest one.
func (s *scanner) whole() (n int64, ok bool) {
	if c := s.peek(); c != '-' && !digit(c) {
		s.other()
		return 0, false
	}
	if n, ok = s.plainWhole(); ok {
		return n, true
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

// maxPlain is how many digits every int64 has room for.
const maxPlain = 18

// plainWhole reads a number of few digits and nothing else, as most are; otherwise it
// reads nothing.
func (s *scanner) plainWhole() (n int64, ok bool) {
	i := s.i
	for ; i < len(s.b) && i-s.i < maxPlain && digit(s.b[i]); i++ {
		n = 10*n + int64(s.b[i]-'0')
	}
	if i == s.i || i == len(s.b) || s.b[s.i] == '0' || digit(s.b[i]) || s.b[i] == '.' || s.b[i]|0x20 == 'e' {
		return 0, false
	}
	s.i = i
	return n, true
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
