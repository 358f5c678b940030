package notify

import (
	"encoding/json"
	"time"
)

const (
	// shelfFormat is that of what lies on the shelf: another one is read anew.
	shelfFormat = 1
	// shelfKeeps is how old a position may be: half the time that the brokers keep
	// the deletion of an entry, by default, for whoever has read the entry.
	shelfKeeps = 12 * time.Hour
)

// source is the topic that a shelf holds the entries of.
type source struct {
	Cluster string `json:"cluster"`
	Topic   string `json:"topic"` // its id; empty: the brokers give it none
}

// position is up to where the shelf has what a partition of the ledger holds.
type position struct {
	Format int `json:"format"`
	source
	Next  int64 `json:"next"` // offset
	Epoch int32 `json:"epoch"`
	// Written is the wall clock's time, epoch milliseconds.
	Written int64 `json:"written"`
}

func (p position) encode() []byte {
	p.Format = shelfFormat
	value, _ := json.Marshal(p)
	return value
}

// unusable says why a partition must be read from its start; empty: it may be read
// on from the position, while the log goes from start to end.
func (p position) unusable(of source, start, end int64, now time.Time) string {
	switch age := now.Sub(time.UnixMilli(p.Written)); {
	case p.Next == 0:
		return "nothing is kept of it"
	case p.Format != shelfFormat:
		return "it is kept in another format"
	case p.source != of || of.Topic == "":
		return "the topic is another one"
	case p.Next < start:
		return "the topic starts later"
	case p.Next > end:
		return "the topic ends earlier"
	case age > shelfKeeps || age < -shelfKeeps:
		return "it has been kept for too long"
	}
	return ""
}
