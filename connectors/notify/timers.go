package notify

import "unpark/schemas"

// timers is a heap of looks; a look that has moved leaves the old one, which
// finds nothing to do.
type timers []timer

type timer struct {
	at schemas.Instant
	id entryID
}

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	old := *t
	x := old[len(old)-1]
	*t = old[:len(old)-1]
	return x
}
