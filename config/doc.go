// Package config reads the files: unpark.yaml, which says how a process runs,
// and orgs/*.yaml, which say what each org's clocks mean and whom to tell.
//
// Everything wrong with a file is reported at once, with file, line, column,
// the field's path and what to write. What is merely doubtful is a warning.
//
// Reads: unpark.yaml and orgs/*.yaml in a folder.
// Writes: nothing.
package config
