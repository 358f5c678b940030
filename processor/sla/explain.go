package sla

import (
	"unpark/processor/calendar"
	"unpark/schemas"
)

// States of an explained interval.
const (
	stateRunning    = "running"
	stateNotWaiting = "not_waiting"
)

// explain lists [from, to) as intervals of running, not_waiting, holiday and
// closed, and adds up the running ones, in milliseconds.
func (o *objective) explain(t thread, from, to int64) (list []schemas.Interval, elapsed int64) {
	add := func(a, b int64, state string) {
		if a >= b {
			return
		}
		if state == stateRunning {
			elapsed += b - a
		}
		if n := len(list); n > 0 && list[n-1].State == state && list[n-1].To == schemas.Instant(a) {
			list[n-1].To = schemas.Instant(b)
			return
		}
		list = append(list, schemas.Interval{From: schemas.Instant(a), To: schemas.Instant(b), State: state})
	}
	at := from
	for _, r := range o.waiting(t, from) {
		a, b := max(r.from, at), min(r.to, to)
		if a >= b {
			continue
		}
		add(at, a, stateNotWaiting)
		for _, i := range o.hours.Intervals(a, b) {
			add(i.From, i.To, intervalState(i.State))
		}
		at = b
	}
	add(at, to, stateNotWaiting)
	return list, elapsed
}

// waiting is when the clock that began at start would run if it were always open.
func (o *objective) waiting(t thread, start int64) []stretch {
	switch o.name {
	case Reply:
		// A wait that is over by now counted while it lasted.
		return t.waits()
	case FirstReply:
		if at, answered := t.answer(start); answered && t.inbound {
			return []stretch{{start, at}}
		}
	}
	_, runs := o.span(t)
	return runs
}

func intervalState(s calendar.State) string {
	if s == calendar.Open {
		return stateRunning
	}
	return s.String()
}
