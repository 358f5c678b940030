package notify

import "encoding/json"

// owner is the record by which a notifier takes a partition over.
type owner struct {
	Owner string `json:"owner"` // the writer of the book
	// Group is the notifiers' consumer group, which knows who is in it. Of another
	// one we know nothing.
	Group string `json:"group,omitempty"`
}

func (o owner) encode() []byte {
	value, _ := json.Marshal(o)
	return value
}

// decodeOwner reads an owner record. One that does not tell its group is taken to be of
// another: rather silent for a moment than told twice.
func decodeOwner(value []byte) (o owner) {
	if json.Unmarshal(value, &o) != nil {
		return owner{}
	}
	return o
}
