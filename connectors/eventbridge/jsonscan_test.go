package eventbridge

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

// valid says what the scanner makes of a text.
func valid(text string) error {
	s := scanner{b: []byte(text)}
	s.skip()
	s.end()
	return s.err
}

func TestScannerBoundsNesting(t *testing.T) {
	for _, pair := range []string{"[]", "{}"} {
		open, closing := pair[:1], pair[1:]
		if pair == "{}" {
			open = `{"a":`
			closing = "}"
		}
		nested := func(n int) string { return strings.Repeat(open, n) + "1" + strings.Repeat(closing, n) }
		if err := valid(nested(maxDepth)); err != nil {
			t.Errorf("%s: %v", pair, err)
		}
		if err := valid(nested(maxDepth + 1)); !errors.Is(err, errDeep) {
			t.Errorf("%s: %v", pair, err)
		}
	}
}

func TestScannerWhole(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-1": -1, "1772442903949": 1772442903949, "1e3": 1000, "1.5e3": 1500, "10.0": 10,
		"999999999999999999": 1e18 - 1, "1000000000000000000": 1e18, "9223372036854775807": math.MaxInt64,
		"9223372036854775808": math.MaxInt64, "-9223372036854775809": math.MinInt64, "1e300": 1 << 62,
	} {
		s := scanner{b: []byte(text)}
		if got, ok := s.whole(); !ok || got != want {
			t.Errorf("%s: got %d, %v", text, got, ok)
		}
		s = scanner{b: []byte(text + "]")}
		if got, ok := s.whole(); !ok || got != want || s.at() != ']' {
			t.Errorf("%s]: got %d, %v, and ends at %d", text, got, ok, s.i)
		}
	}
	leading := scanner{b: []byte("01]")}
	if n, _ := leading.whole(); leading.at() == ']' {
		t.Errorf("01 is taken for %d", n)
	}
	for _, text := range []string{"1.5", `"1"`, "null", "true", "[1]"} {
		s := scanner{b: []byte(text)}
		_, ok := s.whole()
		if s.end(); ok || s.err != nil || s.mistyped == (text == "null") {
			t.Errorf("%s: %v, error %v, mistyped %v", text, ok, s.err, s.mistyped)
		}
	}
}

func TestScannerStrings(t *testing.T) {
	for _, text := range []string{`"a"`, `""`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00"`, `"é😀"`, `"\ud800"`, "\"\xff\"", `"a\u0000b"`} {
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		s := scanner{b: []byte(text)}
		if got := string(s.str()); got != want || s.err != nil {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// Strings are looked at eight bytes at a time: whatever two bytes stand beside each
// other, and wherever in the eight, it ends them where encoding/json does.
func TestScannerEndsStrings(t *testing.T) {
	for first := range 256 {
		for second := range 256 {
			at := (first + second) % 8
			text := `"` + strings.Repeat("a", at) + string([]byte{byte(first), byte(second)}) + strings.Repeat("b", 16) + `"`
			if err, want := valid(text), json.Valid([]byte(text)); (err == nil) != want {
				t.Fatalf("%q: %v, encoding/json says %v", text, err, want)
			}
			if !json.Valid([]byte(text)) {
				continue
			}
			var want string
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatal(err)
			}
			s := scanner{b: []byte(text)}
			if got := string(s.str()); got != want {
				t.Fatalf("%q: got %q, want %q", text, got, want)
			}
		}
	}
}

// The scanner takes what encoding/json takes, but for the nesting.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e+3,true,false,null,"\u00e9"]}`, `[]`, `{}`, ` "x" `, `[1,]`, `{"a"}`, `01`, `1.`, `-`, `"\x"`, "\"\n\"", "{}\x00", `tru`, `[}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := valid(text)
		if errors.Is(err, errDeep) {
			return
		}
		if want := json.Valid([]byte(text)); (err == nil) != want {
			t.Errorf("%q: %v, encoding/json says %v", text, err, want)
		}
	})
}
