package notify

import (
	"encoding/json"
	"math"
)

// owner is the record by which a notifier takes a partition over.
type owner struct {
	Owner string `json:"owner"` // the writer of the book
	// Group is the notifiers' consumer group, Generation its, or a member's epoch in
	// KIP-848: within a group both grow with each assignment, and beside those of
	// another group they mean nothing.
	Group      string `json:"group,omitempty"`
	Generation int32  `json:"generation"`
}

// before says whether the partition came to w by a later generation of the same group.
func (o owner) before(w *window) bool { return o.Group == w.group && o.Generation < w.generation }

func (o owner) encode() []byte {
	value, _ := json.Marshal(o)
	return value
}

// decodeOwner reads an owner record. One that does not tell its generation is taken
// to be of the latest, as one that does not tell its group is of another: rather silent
// for a moment than told twice.
func decodeOwner(value []byte) owner {
	o := owner{Generation: math.MaxInt32}
	if json.Unmarshal(value, &o) != nil {
		o.Generation = math.MaxInt32
	}
	return o
}
