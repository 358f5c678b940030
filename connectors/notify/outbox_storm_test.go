package notify

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"unpark/schemas"
)

// The fourth alert within a minute and those after it are one digest, which is
// updated in place, also when some of them are over.
func TestOutboxStorm(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: everything, Update: true}}, func(b *bench) {
		b.raise("a", "b", "c", "d", "e")
		b.wait.Wait()
		b.raise("f")
		b.wait.Wait()
		b.end("e")
		b.want(event{0, "alert a"}, event{0, "alert b"}, event{0, "alert c"},
			event{s, `digest of 2, 0 cleared, late false, over ""`},
			event{6 * s, `digest of 3, 0 cleared, late false, over "digest-message"`},
			event{11 * s, `digest of 3, 1 cleared, late false, over "digest-message"`})
	})
}

// Whoever comes next and has all that is in a digest goes on with it, and with what
// ended while nobody was there. Another storm is another digest.
func TestOutboxStormOverRestarts(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: everything, Update: true}}, func(b *bench) {
		b.raise("a", "b", "c", "d", "e", "f")
		b.wait.Wait()
		b.restart(0, 1)
		b.end("d")
		b.become("d", schemas.StatusRetracted) // ends once all the same
		b.wait.Wait()
		for _, r := range b.topic {
			r.Headers = nil // somebody else has written it
		}
		b.restart(0, 1)
		b.end("e")
		b.raise("g", "h", "i", "j")
		b.want(event{0, "alert a"}, event{0, "alert b"}, event{0, "alert c"},
			event{s, `digest of 3, 0 cleared, late false, over ""`},
			event{2 * s, `digest of 3, 1 cleared, late false, over "digest-message"`},
			event{2 * s, "alert g"}, event{2 * s, "alert h"}, event{2 * s, "alert i"},
			event{3 * s, `digest of 3, 2 cleared, late false, over "digest-message"`},
			event{4 * s, `digest of 1, 0 cleared, late false, over ""`})
	})
}

// Who has only a part of what is in a digest does not know it, and leaves it alone.
func TestOutboxStormThatWasParted(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: everything, Update: true}}, func(b *bench) {
		b.raise("a", "b", "c", "d", "e")
		b.wait.Wait()
		b.restart(0)
		b.end("e")
		b.wait.Wait()
		b.restart(0, 1)
		b.end("d")
		b.want(event{0, "alert a"}, event{0, "alert b"}, event{0, "alert c"},
			event{s, `digest of 2, 0 cleared, late false, over ""`}, event{s, "clear e"},
			event{2 * s, `digest of 2, 2 cleared, late false, over "digest-message"`})
	})
}

// A part of a digest may go to another notifier while an end is gathered for it: the end
// is told alone then, once, and is nothing new to a digest that is told meanwhile.
func TestOutboxStormThatIsPartedWhileItGathers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fresh []string // alerts
		fails error    // what the next message meets
		want  []event
	}{
		{"an end alone", nil, nil, []event{{6 * s, "clear e"}}},
		{"an end and a new alert", []string{"g"}, nil, []event{{6 * s, `digest of 1, 0 cleared, late false, over ""`}, {6 * s, "clear e"}}},
		{"a digest that fails", []string{"g"}, errDown, []event{{7 * s, `digest of 1, 0 cleared, late false, over ""`}, {7 * s, "clear e"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := &scripted{can: Capabilities{Kinds: everything, Update: true}, answers: []error{nil, nil, nil, nil, tt.fails}}
			inBubble(t, Config{}, n, func(b *bench) {
				b.raise("a", "b", "c", "d", "e")
				b.wait.Wait()
				b.end("e")
				b.raise(tt.fresh...)
				synctest.Wait()
				b.books[1].close()
				b.want(append([]event{{0, "alert a"}, {0, "alert b"}, {0, "alert c"}, {s, `digest of 2, 0 cleared, late false, over ""`}}, tt.want...)...)
			})
		})
	}
}

// A reminder that was gathered, and is answered before the digest is told, goes with that
// all the same: an answer is not told alone because others have a part.
func TestOutboxStormThatIsAnsweredWhileItGathers(t *testing.T) {
	n := &scripted{can: Capabilities{Kinds: everything, Update: true}}
	inBubble(t, Config{}, n, func(b *bench) {
		b.raise("a", "b", "c", "d")
		b.wait.Wait()
		time.Sleep(time.Hour)
		b.books[1].wake(time.Now(), func(e *entry) habit { return habit{repeat: time.Hour} })
		synctest.Wait()
		n.before = func() { n.before = nil; time.Sleep(10 * s) }
		b.raise("a")
		synctest.Wait()
		b.does(Interaction{Conversation: "d", By: "Ada"})
		b.want(event{0, "alert a"}, event{0, "alert b"}, event{0, "alert c"}, event{s, `digest of 1, 0 cleared, late false, over ""`},
			event{time.Hour + s, "remind b m2"}, event{time.Hour + 11*s, "alert a"},
			event{time.Hour + 11*s, `digest of 1, 0 cleared, late false, over "digest-message"`})
	})
}

// A reminder that was gathered may be answered, and its digest parted, before it is told:
// the answer is told alone, as an end is, and is no alert of a new digest.
func TestOutboxStormThatIsAnsweredAndParted(t *testing.T) {
	n := &scripted{can: Capabilities{Kinds: everything, Update: true}}
	inBubble(t, Config{}, n, func(b *bench) {
		b.raise("a", "b", "c", "d")
		b.wait.Wait()
		time.Sleep(time.Hour)
		b.books[1].wake(time.Now(), func(e *entry) habit { return habit{repeat: time.Hour, asleep: e.Conversation != "d"} })
		synctest.Wait()
		n.before = func() { n.before = nil; time.Sleep(10 * s); b.books[0].close() }
		b.raise("b")
		synctest.Wait()
		b.does(Interaction{Conversation: "d", By: "Ada"})
		b.want(event{0, "alert a"}, event{0, "alert b"}, event{0, "alert c"}, event{s, `digest of 1, 0 cleared, late false, over ""`},
			event{time.Hour + 11*s, "alert b"}, event{time.Hour + 11*s, "acknowledge d"})
	})
}

// What was gathered for a destination that fails goes to where the rules say it is by now.
func TestOutboxStormThatGoesElsewhere(t *testing.T) {
	long := &Error{Reason: "down", RetryAfter: 5 * time.Minute, Err: errors.New("down")}
	n := &scripted{can: Capabilities{Kinds: everything, Update: true}, answers: []error{long, long}}
	inBubble(t, Config{}, n, func(b *bench) {
		b.forward = func(to target, i item) {
			b.note(i.book.load(i.id).Conversation + " goes to " + to.destination.Webhook.URL)
		}
		b.raise("a", "b")
		time.Sleep(400 * s) // a alone and a digest of both have failed
		b.rules.configs.(*fakeConfigs).change("org-1", strings.ReplaceAll(benchRules, "https://x", "https://y"))
		b.want(event{601 * s, "a goes to https://y"}, event{601 * s, "b goes to https://y"})
	})
}

// A destination that is a program gets each of them.
func TestOutboxStormForPrograms(t *testing.T) {
	inBubble(t, Config{}, &scripted{can: Capabilities{Kinds: KindsOf(Clear)}}, func(b *bench) {
		b.raise("a", "b", "c", "d", "e")
		b.want(event{0, "alert a"}, event{0, "alert b"}, event{0, "alert c"}, event{0, "alert d"}, event{0, "alert e"})
	})
}
