package localtest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Java compiles the sources of a Maven project of this repository and returns the
// class path to run them with. The project's jars, which part names, are fetched
// if need be.
func Java(t testing.TB, part string, sources ...string) (classpath string) {
	t.Helper()
	skipIfShort(t)
	jars, err := fetch(part)
	if err != nil {
		t.Fatal(err)
	}
	classes := t.TempDir()
	args := append([]string{"--release", "17", "-cp", filepath.Join(jars, "*"), "-d", classes}, sources...)
	if out, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		t.Fatalf("compile %s: %v\n%s", part, err, out)
	}
	return classes + ":" + filepath.Join(jars, "*")
}
