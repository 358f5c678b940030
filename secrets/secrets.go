// Package secrets resolves references to secrets. Configuration holds only
// references, never a secret: what is written to org-config can be read by
// everybody who may read topics.
//
// Only names that begin with UNPARK_ and files directly under secrets_dir can be
// referred to, so that whoever may write org-config cannot read the host.
//
// Reads: environment variables UNPARK_..., files under secrets_dir.
// Writes: nothing.
package secrets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const (
	envScheme  = "env:"
	fileScheme = "file:"
	envPrefix  = "UNPARK_"

	// maxFile bounds what is read from a secret's file; a CA bundle has some
	// 200 KiB.
	maxFile = 1 << 20
)

// Usage says how a reference is written, for messages to people.
const Usage = "write env:UNPARK_NAME or file:NAME (a file under secrets_dir)"

// IsReference says whether s has the form of a reference; it may still be one
// that cannot be resolved.
func IsReference(s string) bool {
	return strings.HasPrefix(s, envScheme) || strings.HasPrefix(s, fileScheme)
}

// Check says what is wrong with the form of a reference, without resolving it.
// The error does not hold ref unless ref names something: it may be a secret
// that was written in place of its reference.
func Check(ref string) error {
	if name, ok := strings.CutPrefix(ref, envScheme); ok {
		return checkEnv(name)
	}
	if name, ok := strings.CutPrefix(ref, fileScheme); ok {
		return checkFile(name)
	}
	return errors.New("secrets are given by reference: " + Usage)
}

func checkEnv(name string) error {
	rest, ok := strings.CutPrefix(name, envPrefix)
	if !ok || rest == "" {
		return fmt.Errorf("env:%s: only environment variables that begin with %s can be referred to", name, envPrefix)
	}
	for _, c := range rest {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Errorf("env:%s: %q has no place in the name of an environment variable", name, c)
		}
	}
	return nil
}

func checkFile(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return fmt.Errorf("file:%s: only files directly under secrets_dir can be referred to, by their name", name)
	}
	return nil
}

// Resolver resolves references.
type Resolver struct {
	// Dir is secrets_dir; empty: there are no files.
	Dir string
}

// Resolve returns the secret that ref stands for. One line break at its end is
// cut off. Errors name the reference, never the value.
func (r Resolver) Resolve(ref string) (string, error) {
	if err := Check(ref); err != nil {
		return "", err
	}
	if name, ok := strings.CutPrefix(ref, envScheme); ok {
		return fromEnv(name)
	}
	return r.fromFile(strings.TrimPrefix(ref, fileScheme))
}

func fromEnv(name string) (string, error) {
	v := trim(os.Getenv(name))
	if v == "" {
		return "", fmt.Errorf("env:%s: the environment variable is not set or empty", name)
	}
	return v, nil
}

// fromFile follows symbolic links inside the folder only; Kubernetes mounts
// secrets as such links.
func (r Resolver) fromFile(name string) (string, error) {
	if r.Dir == "" {
		return "", fmt.Errorf("file:%s: secrets_dir is not set in unpark.yaml", name)
	}
	root, err := os.OpenRoot(r.Dir)
	if err != nil {
		return "", fmt.Errorf("file:%s: secrets_dir %s cannot be opened: %w", name, r.Dir, cause(err))
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return "", fmt.Errorf("file:%s: under secrets_dir %s: %w", name, r.Dir, cause(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return "", fmt.Errorf("file:%s: under secrets_dir %s is no file of at most %d bytes", name, r.Dir, maxFile)
	}
	b, err := root.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("file:%s: under secrets_dir %s: %w", name, r.Dir, cause(err))
	}
	v := trim(string(b))
	if v == "" {
		return "", fmt.Errorf("file:%s: the file under secrets_dir %s is empty", name, r.Dir)
	}
	return v, nil
}

func trim(v string) string {
	return strings.TrimSuffix(strings.TrimSuffix(v, "\n"), "\r")
}

// cause leaves out the path, which the message already has.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
