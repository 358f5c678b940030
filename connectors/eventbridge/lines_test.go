package eventbridge

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type line struct {
	Number  int
	Text    string
	TooLong bool
}

func readAll(t *testing.T, r io.Reader) []line {
	t.Helper()
	var got []line
	lines := NewLines(r)
	for lines.Next() {
		text := string(lines.Bytes())
		if len(text) > 20 {
			text = text[:1] + "..." + text[len(text)-1:]
		}
		got = append(got, line{lines.Number(), text, lines.TooLong()})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLines(t *testing.T) {
	full := strings.Repeat("x", MaxEnvelope)
	for _, tc := range []struct {
		name, text string
		want       []line
	}{
		{"nothing", "", nil},
		{"no newline at the end", "a\nb", []line{{1, "a", false}, {2, "b", false}}},
		{"blank lines", "\n \r\na\r\n\n\nb\n", []line{{3, "a", false}, {6, "b", false}}},
		{"as long as allowed", full + "\r\nb\n", []line{{1, "x...x", false}, {2, "b", false}}},
		{"an end that two buffers share", full[:64<<10-1] + "\r\nb\n", []line{{1, "x...x", false}, {2, "b", false}}},
		{"too long", "a\n" + full + "x\nb\n", []line{{1, "a", false}, {2, "", true}, {3, "b", false}}},
		{"much too long, the last", "a\n" + full + full + full, []line{{1, "a", false}, {2, "", true}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readAll(t, strings.NewReader(tc.text))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	two := append(compressed(t, "a\n"), compressed(t, "b\n")...)
	for name, content := range map[string][]byte{
		"plain.jsonl": []byte("a\nb\n"), "named.jsonl.gz": compressed(t, "a\nb\n"),
		"by-magic.jsonl": compressed(t, "a\nb\n"), "two-members.gz": two,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]line{{1, "a", false}, {2, "b", false}}, readAll(t, f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	plain := filepath.Join(dir, "plain.gz")
	if err := os.WriteFile(plain, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(plain); err == nil {
		t.Error("a .gz that is none is read")
	}
	half := filepath.Join(dir, "half.gz")
	content := compressed(t, strings.Repeat("abc\n", 100))
	if err := os.WriteFile(half, content[:len(content)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(half)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := NewLines(f)
	for lines.Next() {
	}
	if err := lines.Err(); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "the file was cut") {
		t.Errorf("half a file: %v", lines.Err())
	}
}
