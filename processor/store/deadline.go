package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Deadline is an entry of the deadline index: Key is to be looked at at the
// instant At, epoch milliseconds. Entries are ordered by At, then Key. With an
// empty Key it stands before all entries of that instant.
type Deadline struct {
	At  int64
	Key []byte
}

// Deadlines walks through the deadline index in order.
type Deadlines struct {
	p  *Partition
	it *pebble.Iterator
}

// Deadlines returns the entries behind the given one, as they are now. It never
// walks over what is before it, where the handled entries have left their
// tombstones. It must be closed.
func (p *Partition) Deadlines(behind Deadline) (*Deadlines, error) {
	lower := deadlineKey(nil, p.id, behind)
	if len(behind.Key) > 0 {
		lower = append(lower, 0)
	}
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: spaceEnd(p.id, deadlineSpace)})
	if err != nil {
		return nil, fmt.Errorf("scan deadlines of partition %d: %w", p.id, err)
	}
	it.First()
	return &Deadlines{p: p, it: it}, nil
}

// Head returns the entry that comes next; ok is false at the end, and after an
// error, which Close returns. Key is valid until Advance.
func (d *Deadlines) Head() (head Deadline, ok bool) {
	if !d.it.Valid() {
		return Deadline{}, false
	}
	k := d.it.Key()[prefixSize:]
	return Deadline{At: decodeDue(k[:dueSize]), Key: k[dueSize:]}, true
}

// Advance goes on to the entry behind the head.
func (d *Deadlines) Advance() { d.it.Next() }

// Close ends the walk and returns the error it met.
func (d *Deadlines) Close() error {
	if err := d.it.Close(); err != nil {
		return fmt.Errorf("scan deadlines of partition %d: %w", d.p.id, err)
	}
	return nil
}
