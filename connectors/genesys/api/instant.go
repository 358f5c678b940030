package api

import (
	"encoding/json"
	"time"
)

// Instant is a time of an answer. What is no instant counts as missing (the zero
// time): one odd field must not cost the whole answer.
type Instant struct{ time.Time }

// layouts are what Genesys writes; an instant without a zone is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00"}

// UnmarshalJSON implements json.Unmarshaler; it never fails.
func (i *Instant) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && plausible(t) {
			i.Time = t.UTC()
			return nil
		}
	}
	return nil
}

// plausible leaves out 0001-01-01 and the like, which stand for nothing.
func plausible(t time.Time) bool { return t.Year() >= 1990 && t.Year() < 2200 }
