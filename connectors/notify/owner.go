package notify

import (
	"encoding/json"
	"math"
)

// owner is the record by which a notifier takes a partition over.
type owner struct {
	Owner string `json:"owner"` // the writer of the book
	// Generation is that of the group, or a member's epoch in KIP-848: both grow with
	// each assignment.
	Generation int32 `json:"generation"`
}

func (o owner) encode() []byte {
	value, _ := json.Marshal(o)
	return value
}

// decodeOwner reads an owner record. One that does not tell its generation is taken
// to be of the latest: rather silent for a moment than told twice.
func decodeOwner(value []byte) owner {
	o := owner{Generation: math.MaxInt32}
	if json.Unmarshal(value, &o) != nil {
		o.Generation = math.MaxInt32
	}
	return o
}
