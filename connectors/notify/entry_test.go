package notify

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"unpark/schemas"
)

var everything = KindsOf(Clear, Retract, Acknowledge, Snooze, Remind, Digest)

func instantOf(t time.Time) schemas.Instant { return schemas.Instant(t.UnixMilli()) }

// next is due in words.
func next(e *entry, kinds Kinds) string {
	if k, ok := due(e, kinds); ok {
		return k.String()
	}
	return "nothing"
}

func TestEntryIsToldOnceAndFollowed(t *testing.T) {
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	e := &entry{State: schemas.DeliveryPending, Status: schemas.StatusRaised, Since: instantOf(now)}
	want := func(kind, state string) {
		t.Helper()
		if got := next(e, everything); got != kind || e.State != state {
			t.Errorf("got %s and %s, want %s and %s", got, e.State, kind, state)
		}
	}
	want("alert", schemas.DeliveryPending)
	tell(e, Alert, "C1/1", "a", 30*time.Minute, now)
	want("nothing", schemas.DeliverySent)
	if e.RemindAt != instantOf(now.Add(30*time.Minute)) || e.Reference != "C1/1" {
		t.Errorf("reminder at %s, reference %q", e.RemindAt, e.Reference)
	}
	remind(e, habit{repeat: 30 * time.Minute}, now.Add(30*time.Minute))
	want("remind", schemas.DeliveryPending)
	tell(e, Remind, "", "a", 0, now.Add(30*time.Minute))
	want("nothing", schemas.DeliverySent)
	if e.Reference != "C1/1" || e.Reminders != 1 {
		t.Errorf("reference %q after %d reminders", e.Reference, e.Reminders)
	}
	if !follow(e, schemas.StatusCleared, []byte(`{}`), 7, now.Add(time.Hour)) || follow(e, schemas.StatusCleared, nil, 7, now) {
		t.Error("the end is taken in once")
	}
	want("clear", schemas.DeliveryPending)
	if got := next(e, 0); got != "nothing" {
		t.Errorf("a destination that tells alerts alone is due %s", got)
	}
	tell(e, Clear, "", "a", 0, now.Add(time.Hour))
	want("nothing", schemas.DeliverySent)
}

func TestEntryClearedBeforeItWasTold(t *testing.T) {
	e := &entry{State: schemas.DeliveryPending, Status: schemas.StatusRaised}
	follow(e, schemas.StatusCleared, []byte(`{}`), 1, time.Now())
	if got := next(e, everything); got != "nothing" {
		t.Errorf("due %s", got)
	}
	if settle(e, everything); e.State != schemas.DeliveryCancelled {
		t.Errorf("state %s", e.State)
	}
}

// An entry is kept while its alert stands, as long as the escalation itself, and for a
// day once it is over; in a digest it counts on.
func TestEntryIsKept(t *testing.T) {
	raised, err := strconv.ParseInt(schemas.Escalations.Config["retention.ms"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	standing := time.Duration(raised) * time.Millisecond
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		entry entry
		want  time.Duration
	}{
		"stands":              {entry{Status: schemas.StatusRaised}, standing},
		"stands, was told":    {entry{Status: schemas.StatusRaised, ToldAt: instantOf(now.Add(time.Hour))}, standing + time.Hour},
		"failed, stands":      {entry{Status: schemas.StatusRaised, State: schemas.DeliveryFailed}, standing},
		"over":                {entry{Status: schemas.StatusCleared}, 24 * time.Hour},
		"over, of a digest":   {entry{Status: schemas.StatusCleared, Digest: "d"}, standing},
		"stands, of a digest": {entry{Status: schemas.StatusRaised, Digest: "d"}, standing},
	} {
		c.entry.Since = instantOf(now)
		if got := expiry(&c.entry).Time().Sub(now); got != c.want {
			t.Errorf("%s: kept for %s, want %s", name, got, c.want)
		}
	}
}

func TestEntryAnswers(t *testing.T) {
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	told := func() *entry {
		e := &entry{State: schemas.DeliveryPending, Status: schemas.StatusRaised}
		tell(e, Alert, "", "a", time.Hour, now)
		return e
	}
	mark := func(lasts time.Duration) Mark {
		return Mark{By: "Ada", At: instantOf(now), Until: instantOf(now.Add(lasts))}
	}
	ack := schemas.DeliveryCommand{Mark: mark(acknowledgedFor)}
	snooze := schemas.DeliveryCommand{Snooze: true, Mark: mark(2 * time.Hour)}

	e := told()
	if !answer(e, ack) || answer(e, ack) || next(e, everything) != "acknowledge" {
		t.Errorf("acknowledged: %s", next(e, everything))
	}
	tell(e, Acknowledge, "", "a", 0, now)
	if e.RemindAt != ack.Mark.Until {
		t.Errorf("reminded at %s, want when the acknowledgement ends", e.RemindAt)
	}
	if remind(e, habit{repeat: time.Hour}, now.Add(time.Hour)); next(e, everything) != "nothing" || e.RemindAt != ack.Mark.Until {
		t.Errorf("acknowledged, and %s at %s", next(e, everything), e.RemindAt)
	}
	if remind(e, habit{repeat: time.Hour}, now.Add(acknowledgedFor)); next(e, everything) != "remind" {
		t.Errorf("the acknowledgement has ended, and %s is due", next(e, everything))
	}

	e = told()
	answer(e, snooze)
	tell(e, Snooze, "", "a", 0, now)
	if remind(e, habit{}, now.Add(2*time.Hour)); next(e, everything) != "remind" || e.RemindAt != 0 {
		t.Errorf("the snooze has ended, and %s is due, then at %s", next(e, everything), e.RemindAt)
	}

	asleep := told()
	if remind(asleep, habit{repeat: time.Hour, asleep: true}, now.Add(time.Hour)); next(asleep, everything) != "nothing" || asleep.RemindAt == 0 {
		t.Error("a route that sleeps is reminded")
	}
	unsaid := &entry{State: schemas.DeliveryPending, Status: schemas.StatusRaised}
	if answer(unsaid, ack) {
		t.Error("an alert is acknowledged that nobody was told")
	}
}

func TestRouteSleepsAndHandsOver(t *testing.T) {
	const rules = `{"id":"org-1","timezone":"UTC","routes":{
		"managers":{"to":[{"webhook":{"url":"https://good"}}],"quiet":{"hours":"office","then":"duty"}},
		"duty":[{"webhook":{"url":"https://bad"}}]},
		"calendars":{"office":{"timezone":"UTC","weekly":{"mon":["09:00-17:00"]}}}}`
	b := newRulebook(&fakeConfigs{newest: map[string]string{"org-1": rules}})
	r, err := b.newest("org-1")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{"2026-01-05T08:59:59Z": "duty", "2026-01-05T09:00:00Z": "managers", "2026-01-05T17:00:00Z": "duty"} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.awake("managers", now); got != want {
			t.Errorf("%s: %s is told, want %s", at, got, want)
		}
	}
}

// A route sleeps by the schedule group that its calendar names, as it was synced
// last; before it was, the calendar never closes.
func TestRouteSleepsBySyncedSchedules(t *testing.T) {
	const rules = `{"id":"org-1","timezone":"UTC","routes":{
		"managers":{"to":[{"webhook":{"url":"https://good"}}],"quiet":{"hours":"office","then":"duty"}},
		"duty":[{"webhook":{"url":"https://bad"}}]},
		"calendars":{"office":{"scheduleGroupId":"g"}}}`
	group := func(from, to string) string {
		return fmt.Sprintf(`{"groups":{"g":{"timeZone":"UTC","openSchedules":[{"start":"2026-01-05T%s:00","end":"2026-01-05T%s:00","rrule":"FREQ=DAILY"}]}}}`, from, to)
	}
	configs := &fakeConfigs{newest: map[string]string{"org-1": rules}, schedules: map[string]string{}}
	b := newRulebook(configs)
	seven := time.Date(2026, 1, 6, 7, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		synced string
		asleep bool
	}{{"", false}, {group("09:00", "17:00"), true}, {group("06:00", "14:00"), false}, {"{", false}, {group("12:00", "13:00"), true}} {
		configs.schedules["org-1"] = c.synced
		r, err := b.newest("org-1")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.asleep("managers", seven); got != c.asleep {
			t.Errorf("schedules %s: at seven it sleeps: %v, want %v", c.synced, got, c.asleep)
		}
	}
}
