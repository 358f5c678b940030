package kafka

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Field is the path of the field as the file spells it, such as sasl.password.
	Field string
	// Message says what is wrong and what to write instead. It never repeats what
	// may be a secret.
	Message string
}

func (p Problem) String() string { return p.Field + ": " + p.Message }

// Problems is everything wrong at once.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "; ")
}

// err keeps an empty list from becoming an error that is not nil.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(field, format string, args ...any) {
	*p = append(*p, Problem{field, fmt.Sprintf(format, args...)})
}

func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }
