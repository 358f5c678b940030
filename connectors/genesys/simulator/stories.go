package simulator

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Story is a way in which conversations go.
type Story struct {
	Name  string
	Share int // how often, compared with the others
	// Opening says what they have in common; its time, id and story are set for
	// each.
	Opening Opening
	Play    func(*Script)
}

// Stories are those of an ordinary working week.
func Stories() []Story {
	message, mail := Opening{Media: Message}, Opening{Media: Email}
	return []Story{
		{"answered", 30, Opening{}, answered},
		{"chat", 20, message, chat},
		{"asked back", 10, Opening{}, askedBack},
		{"forgotten for a while", 10, Opening{}, forgotten},
		{"forgotten for good", 3, Opening{}, abandoned},
		{"left in the queue", 5, Opening{}, queued},
		{"transferred", 6, Opening{}, transferred},
		{"nobody picks up at first", 4, Opening{}, declined},
		{"the customer gives up", 4, Opening{}, givesUp},
		{"comes back", 5, mail, comesBack},
		{"bot only", 3, message, botOnly},
		{"written to", 4, Opening{Outbound: true}, writtenTo},
		{"phone", 3, Opening{Media: Voice}, phone},
	}
}

// Populate opens n conversations at any time from from until until, each going as
// one of stories, every story told once before chance decides. It returns their
// ids.
func (o *Org) Populate(n int, from, until time.Time, stories []Story) []string {
	r := o.chance("populate")
	var ids []string
	for i := range n {
		s := stories[min(i, len(stories)-1)]
		if i >= len(stories) {
			s = drawn(r, stories)
		}
		op := s.Opening
		op.Story, op.At = s.Name, from.Add(between(r, 0, until.Sub(from)))
		ids = append(ids, o.Open(op, s.Play))
	}
	return ids
}

func drawn(r *rand.Rand, stories []Story) Story {
	sum := 0
	for _, s := range stories {
		sum += s.Share
	}
	n := r.IntN(sum)
	for _, s := range stories {
		if n -= s.Share; n < 0 {
			return s
		}
	}
	panic(fmt.Sprint("the shares add up to less than ", sum))
}

// begun is how most of them begin: somebody takes it within the half hour.
func begun(s *Script) {
	if s.Chance(0.2) {
		s.Wait(3 * time.Second)
		s.Bot()
	}
	s.Wait(5 * time.Second)
	s.Work(s.Between(10*time.Second, 30*time.Minute))
	s.Take()
	s.Wait(10 * time.Second)
}

func answered(s *Script) {
	begun(s)
	s.Work(s.Between(time.Minute, 2*time.Hour))
	s.Answer()
	s.Work(s.Between(time.Minute, 10*time.Minute))
	s.Close()
}

func chat(s *Script) {
	begun(s)
	for range 2 + s.c.rng.IntN(4) {
		s.Work(s.Between(10*time.Second, 20*time.Minute))
		s.Answer()
		s.Wait(s.Between(10*time.Second, 20*time.Minute))
		s.Write()
	}
	s.Work(time.Minute)
	s.Answer()
	s.Wait(time.Minute)
	s.Close()
}

// askedBack waits for the customer's photo, parked, and goes on when it is there.
func askedBack(s *Script) {
	begun(s)
	s.Work(s.Between(time.Minute, 20*time.Minute))
	s.Answer()
	s.Wait(time.Minute)
	s.Park()
	s.Wait(s.Between(time.Hour, 20*time.Hour))
	s.Write()
	s.Wait(5 * time.Second)
	s.Work(s.Between(time.Minute, 6*time.Hour))
	s.Take() // a reply by mail may have found nobody there
	s.Wait(time.Minute)
	s.Answer()
	s.Work(time.Minute)
	s.Close()
}

func forgotten(s *Script) {
	begun(s)
	s.Work(s.Between(time.Minute, 10*time.Minute))
	s.Park()
	if s.Chance(0.3) {
		s.Fumble()
	}
	s.Work(s.Between(3*time.Hour, 7*time.Hour))
	s.Answer()
	s.Work(s.Between(time.Minute, 10*time.Minute))
	s.Close()
}

func abandoned(s *Script) {
	begun(s)
	s.Work(s.Between(time.Minute, 10*time.Minute))
	s.Park()
}

func queued(s *Script) {
	s.Work(s.Between(2*time.Hour, 6*time.Hour))
	s.Take()
	s.Wait(time.Minute)
	s.Answer()
	s.Work(time.Minute)
	s.Close()
}

func transferred(s *Script) {
	begun(s)
	s.Work(s.Between(time.Minute, time.Hour))
	s.Transfer()
	answered(s)
}

func declined(s *Script) {
	s.Work(s.Between(10*time.Second, 10*time.Minute))
	s.Decline()
	s.Wait(time.Minute)
	answered(s)
}

func givesUp(s *Script) {
	begun(s)
	s.Wait(s.Between(time.Minute, 3*time.Hour))
	s.Leave()
}

// comesBack is answered by mail, and the customer replies a day or two later.
func comesBack(s *Script) {
	answered(s)
	s.Wait(s.Between(20*time.Hour, 44*time.Hour))
	s.Write()
	answered(s)
}

func botOnly(s *Script) {
	s.Wait(5 * time.Second)
	s.Bot()
	s.Wait(s.Between(time.Minute, time.Hour))
	s.Leave()
}

// writtenTo is somebody to whom an agent wrote first, and who writes back.
func writtenTo(s *Script) {
	s.Wait(s.Between(time.Minute, 3*time.Hour))
	s.Write()
	s.Wait(5 * time.Second)
	s.Work(s.Between(time.Minute, 5*time.Hour))
	s.Take()
	s.Wait(time.Minute)
	s.Answer()
	s.Work(time.Minute)
	s.Close()
}

// phone is a call that counts for nothing here: taken, or left on the voice mail.
func phone(s *Script) {
	s.Wait(time.Minute)
	if s.Chance(0.5) {
		s.Ring()
		return
	}
	s.Take()
	s.Wait(10 * time.Minute)
	s.Close()
}
