package config

import (
	"fmt"
	"slices"
	"strings"
)

// unknown says that a name is not one of the known ones, and which was meant.
func unknown(what, name string, known []string) string {
	slices.Sort(known)
	for _, k := range known {
		if similar(name, k) {
			return fmt.Sprintf("no %s is called %q; did you mean %s?", what, name, k)
		}
	}
	if len(known) == 0 {
		return fmt.Sprintf("no %s is called %q; there is none here", what, name)
	}
	return fmt.Sprintf("no %s is called %q; known here: %s", what, name, strings.Join(known, ", "))
}

// similar says whether a is b with at most two letters wrong, missing or too many.
func similar(a, b string) bool {
	const most = 2
	if len(a) > 64 || len(b) <= most {
		return false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)] <= most
}
