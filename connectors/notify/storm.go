package notify

import (
	"slices"
	"time"
)

const (
	// firstDigest is how long a digest waits for more to come.
	firstDigest = time.Second
	// digestGap is the least time between two updates of a digest in place. Where
	// it cannot be updated it is told again, no more often than Within.
	digestGap = 5 * time.Second
	// maxDigests is how many digests of the past are kept in memory; others are
	// recalled from the ledger.
	maxDigests = 8
)

// storm notices when alerts for one destination pile up, and gathers them.
type storm struct {
	recent    []time.Time // when the last alerts were told or gathered
	gathering []item
	due       time.Time // of the digest; zero: nothing is gathered
	toldAt    time.Time
	digests   []*bundle // the last one told or recalled last
}

// note counts an alert.
func (s *storm) note(now time.Time) {
	if len(s.recent) >= 2*maxAbove {
		s.recent = append(s.recent[:0], s.recent[len(s.recent)-maxAbove+1:]...)
	}
	s.recent = append(s.recent, now)
}

// rages says whether one more alert now would be more than above within a time.
func (s *storm) rages(above int, within time.Duration, now time.Time) bool {
	n := len(s.recent)
	return above > 0 && n >= above && now.Sub(s.recent[n-above]) < within
}

// gather keeps an entry for the next digest, which is told gap after the last.
func (s *storm) gather(i item, now time.Time, gap time.Duration) {
	s.gathering = append(s.gathering, i)
	if s.due.IsZero() {
		s.due = now.Add(firstDigest)
		if next := s.toldAt.Add(gap); !s.toldAt.IsZero() && next.After(s.due) {
			s.due = next
		}
	}
}

func (s *storm) tellAt() (time.Time, bool) { return s.due, !s.due.IsZero() }

// find returns a digest that is in memory; nil if it is not.
func (s *storm) find(key string) *bundle {
	i := slices.IndexFunc(s.digests, func(d *bundle) bool { return d.key == key })
	if key == "" || i < 0 {
		return nil
	}
	return s.digests[i]
}

// current returns the digest that new alerts join: the last that has grown within a
// time; nil if there is none.
func (s *storm) current(now time.Time, within time.Duration) *bundle {
	for _, d := range slices.Backward(s.digests) {
		if !d.grown.IsZero() && now.Sub(d.grown) < max(within, 2*digestGap) {
			return d
		}
	}
	return nil
}

// keep keeps a digest in memory, in the place of what was known of it.
func (s *storm) keep(d *bundle) {
	s.digests = slices.DeleteFunc(s.digests, func(o *bundle) bool { return o.key == d.key })
	s.digests = append(s.digests, d)
	if len(s.digests) > maxDigests {
		s.digests = slices.Delete(s.digests, 0, 1)
	}
}

// told keeps a digest that was told, and what was gathered and not in it.
func (s *storm) told(d *bundle, rest []item, now time.Time) {
	s.keep(d)
	s.gathering, s.due, s.toldAt = rest, time.Time{}, now
	if len(rest) > 0 {
		s.due = now.Add(firstDigest)
	}
}
