package notify

import (
	"strings"
	"time"

	"unpark/schemas"
)

// entry is one line of the ledger: an escalation and a destination. What is to
// happen to it is decided here, purely; books keep it and outboxes act on it.
type entry = schemas.Delivery

const (
	// acknowledgedFor is how long an acknowledgement silences the reminders.
	acknowledgedFor = 24 * time.Hour
	// closedFor and openFor are how long an entry is kept after the last thing that
	// happened to it, if the alert is over and if it is not, or is counted in a digest.
	// What stands is kept for as long as the topic has its escalation: without its entry
	// nobody would be told its end.
	closedFor = 24 * time.Hour
	openFor   = 90 * 24 * time.Hour
)

// over says whether the alert no longer stands.
func over(e *entry) bool { return e.Status != schemas.StatusRaised }

// due returns what is to be told next of an entry, to a destination that tells
// these kinds; false if that is nothing. An alert that was over before it was told
// is never told.
func due(e *entry, kinds Kinds) (Kind, bool) {
	switch {
	case e.State == schemas.DeliveryFailed:
		return 0, false
	case e.Told == "":
		return Alert, !over(e)
	case e.Told != e.Status:
		k := kindOf(e.Status)
		return k, over(e) && kinds.Has(k)
	case e.Notice != "":
		k := kindNamed(e.Notice)
		return k, !over(e) && kinds.Has(k)
	}
	return 0, false
}

// kindOf is what an escalation's record is, told by itself.
func kindOf(status string) Kind {
	switch status {
	case schemas.StatusCleared:
		return Clear
	case schemas.StatusRetracted:
		return Retract
	}
	return Alert
}

func kindNamed(name string) Kind {
	for k, n := range kindNames {
		if n == name {
			return Kind(k)
		}
	}
	return Alert
}

// tell notes that a kind has been told. repeat is that of the route, 0 for none.
func tell(e *entry, kind Kind, ref Reference, address string, repeat time.Duration, now time.Time) {
	at := schemas.Instant(now.UnixMilli())
	switch kind {
	case Alert:
		e.Told, e.RemindAt = schemas.StatusRaised, 0
		if repeat > 0 {
			e.RemindAt = schemas.Instant(now.Add(repeat).UnixMilli())
		}
	case Clear:
		e.Told = schemas.StatusCleared
	case Retract:
		e.Told = schemas.StatusRetracted
	case Acknowledge, Snooze, Remind:
		if e.Notice == kind.String() {
			e.Notice = ""
		}
	}
	e.ToldAt, e.Address, e.Reason = at, address, ""
	if ref != "" {
		e.Reference = string(ref)
	}
	settle(e, allKinds)
}

// settle sets the state that follows from the rest.
func settle(e *entry, kinds Kinds) {
	if e.State == schemas.DeliveryFailed {
		return
	}
	if _, more := due(e, kinds); more {
		e.State = schemas.DeliveryPending
		return
	}
	e.Notice = ""
	if e.State = schemas.DeliverySent; e.Told == "" {
		e.State = schemas.DeliveryCancelled
	}
}

// follow takes in the record that ends the alert; false if it is known.
func follow(e *entry, status string, record []byte, offset int64, now time.Time) bool {
	if e.Status == status {
		return false
	}
	e.Status, e.Record, e.Offset, e.Since = status, record, offset, schemas.Instant(now.UnixMilli())
	e.RemindAt, e.Notice = 0, ""
	if e.State != schemas.DeliveryFailed {
		e.State = schemas.DeliveryPending // whatever is due: the outbox has the last word
	}
	return true
}

// answer carries out an acknowledgement or a snooze; false if the alert is over
// or has been answered so.
func answer(e *entry, c schemas.DeliveryCommand) bool {
	if over(e) || e.Told == "" || e.State == schemas.DeliveryFailed {
		return false
	}
	mark, place := c.Mark, &e.Acknowledged
	kind := Acknowledge
	if c.Snooze {
		kind, place = Snooze, &e.Snoozed
	}
	if *place != nil && **place == mark {
		return false
	}
	*place = &mark
	e.Notice, e.Since = kind.String(), mark.At
	if c.Snooze || e.RemindAt != 0 {
		e.RemindAt = mark.Until
	}
	e.State = schemas.DeliveryPending
	return true
}

// holds returns a mark as long as it holds.
func holds(m *Mark, now time.Time) *Mark {
	if m == nil || m.Until <= schemas.Instant(now.UnixMilli()) {
		return nil
	}
	return m
}

// habit is how a route tells now.
type habit struct {
	repeat time.Duration
	asleep bool
}

// remind is what happens at RemindAt: the reminder is due, or put off while
// somebody is at it or the route sleeps.
func remind(e *entry, h habit, now time.Time) {
	until := schemas.Instant(0)
	for _, m := range []*Mark{holds(e.Acknowledged, now), holds(e.Snoozed, now)} {
		if m != nil {
			until = max(until, m.Until)
		}
	}
	next := schemas.Instant(0)
	if h.repeat > 0 {
		next = schemas.Instant(now.Add(h.repeat).UnixMilli())
	}
	switch {
	case until != 0:
		e.RemindAt = until
	case h.asleep:
		e.RemindAt = max(next, schemas.Instant(now.Add(time.Minute).UnixMilli()))
	default:
		e.RemindAt = next
		e.Reminders++
		e.Notice, e.Since = Remind.String(), schemas.Instant(now.UnixMilli())
		e.State = schemas.DeliveryPending
	}
}

// nextLook is when time alone changes an entry that waits for nothing else: its
// reminder, or the end of its keeping.
func nextLook(e *entry) schemas.Instant {
	if e.RemindAt != 0 && !over(e) {
		return e.RemindAt
	}
	return expiry(e)
}

func expiry(e *entry) schemas.Instant {
	keep := openFor
	if over(e) && e.Digest == "" {
		keep = closedFor
	}
	return max(e.Since, e.ToldAt) + schemas.Instant(keep.Milliseconds())
}

// routeOf returns the route in a destination's name (org/route/index).
func routeOf(e *entry) string {
	rest := strings.TrimPrefix(e.Destination, e.Org+"/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}
