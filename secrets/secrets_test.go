package secrets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	write := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(outside, "not yours")
	write(filepath.Join(dir, "token"), "abc\n")
	write(filepath.Join(dir, "dos"), "abc\r\n")
	write(filepath.Join(dir, "two"), "abc\n\n")
	write(filepath.Join(dir, "empty"), "\n")
	write(filepath.Join(dir, "big"), strings.Repeat("x", maxFile+1))
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	// A Kubernetes secret: a link to a folder that is swapped as a whole.
	if err := os.Mkdir(filepath.Join(dir, "..data"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(dir, "..data", "mounted"), "from a mount")
	link(t, filepath.Join("..data", "mounted"), filepath.Join(dir, "mounted"))
	link(t, outside, filepath.Join(dir, "escape"))
	t.Setenv("UNPARK_PASSWORD", "s3cret\n")
	t.Setenv("UNPARK_EMPTY", "")
	t.Setenv("HIDDEN", "not yours")

	for _, tt := range []struct{ ref, want, err string }{
		{ref: "env:UNPARK_PASSWORD", want: "s3cret"},
		{ref: "file:token", want: "abc"},
		{ref: "file:dos", want: "abc"},
		{ref: "file:two", want: "abc\n"},
		{ref: "file:mounted", want: "from a mount"},
		{ref: "env:UNPARK_EMPTY", err: "not set or empty"},
		{ref: "env:UNPARK_NONE", err: "not set or empty"},
		{ref: "env:UNPARK_", err: "begin with UNPARK_"},
		{ref: "env:UNPARK_A B", err: "no place"},
		{ref: "env:HIDDEN", err: "begin with UNPARK_"},
		{ref: "env:", err: "begin with UNPARK_"},
		{ref: "file:", err: "directly under"},
		{ref: "file:..", err: "directly under"},
		{ref: "file:../outside", err: "directly under"},
		{ref: "file:sub/x", err: "directly under"},
		{ref: `file:sub\x`, err: "directly under"},
		{ref: "file:" + outside, err: "directly under"},
		{ref: "file:escape", err: "path escapes"},
		{ref: "file:sub", err: "is no file"},
		{ref: "file:big", err: "is no file"},
		{ref: "file:empty", err: "is empty"},
		{ref: "file:none", err: "no such file"},
		{ref: "https://hooks.example/T0/B0/secret", err: "by reference"},
		{ref: "", err: "by reference"},
	} {
		got, err := Resolver{Dir: dir}.Resolve(tt.ref)
		if got != tt.want {
			t.Errorf("Resolve(%q) = %q, want %q", tt.ref, got, tt.want)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("Resolve(%q): error %v, want one with %q", tt.ref, err, tt.err)
		}
	}
	if _, err := (Resolver{}).Resolve("file:token"); err == nil || !strings.Contains(err.Error(), "secrets_dir is not set") {
		t.Errorf("without a folder: %v", err)
	}
}

// A secret that stands where its reference belongs must not get into a message.
func TestErrorsHoldNoValue(t *testing.T) {
	const secret = "xoxb-very-secret"
	if _, err := (Resolver{}).Resolve(secret); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("Resolve(a secret) = %v", err)
	}
}

func TestIsReference(t *testing.T) {
	for ref, want := range map[string]bool{"env:UNPARK_A": true, "file:a": true, "env:A": true, "a": false, "": false, "https://a": false} {
		if got := IsReference(ref); got != want {
			t.Errorf("IsReference(%q) = %v, want %v", ref, got, want)
		}
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}
