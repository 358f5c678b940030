package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"unpark/connectors/genesys/simulator"
)

// The ways a conversation goes. The customer is owed an answer in all but the
// first five.
const (
	storyAnswered    = "answered in time"
	storyCustomer    = "parked, the customer owes the answer"
	storyLate        = "over in time, the event of it came late"
	storyUnseen      = "answered in time, which nobody could see"
	storyAgain       = "asked back, answered by the customer, parked since"
	storyWarned      = "parked and forgotten, answered after the warning"
	storyBreached    = "parked and forgotten, answered after the breach"
	storyForgotten   = "parked and forgotten to the end"
	storyQueued      = "never taken from the queue"
	storyTransferred = "given to another queue, where nobody takes it"
	storyOld         = "parked since Monday"
)

// demoStory is how a conversation goes, and within which minutes of the day one
// like it begins. A look at Genesys that finds an answer must not fall into the
// outage, unless the story is about that.
type demoStory struct {
	name        string
	share       int // how often, compared with the others, once each has been told
	from, until time.Duration
	play        func(*simulator.Script)
}

var demoStories = []demoStory{
	{storyAnswered, 11, 0, 90 * time.Minute, func(s *simulator.Script) {
		opens(s)
		s.Wait(s.Between(time.Minute, 2*time.Hour))
		answersAndEnds(s)
	}},
	{storyCustomer, 4, 45 * time.Minute, 90 * time.Minute, func(s *simulator.Script) {
		opens(s)
		s.Wait(s.Between(time.Minute, 20*time.Minute))
		s.Answer()
		s.Wait(30 * time.Second)
		s.Park()
	}},
	{storyLate, 1, 45 * time.Minute, 90 * time.Minute, func(s *simulator.Script) {
		came := s.Now()
		parks(s)
		s.Until(came.Add(3*time.Hour + 15*time.Minute))
		s.Delay(30 * time.Minute)
		s.Leave()
	}},
	{storyUnseen, 0, 18 * time.Minute, 20 * time.Minute, func(s *simulator.Script) {
		opens(s)
		s.Wait(s.Between(20*time.Minute, 40*time.Minute))
		s.Answer()
	}},
	{storyAgain, 2, 45 * time.Minute, 65 * time.Minute, func(s *simulator.Script) {
		opens(s)
		s.Wait(s.Between(time.Minute, 5*time.Minute))
		s.Answer()
		s.Wait(s.Between(5*time.Minute, 10*time.Minute))
		s.Write()
		s.Wait(s.Between(time.Minute, 2*time.Minute))
		s.Park()
	}},
	{storyWarned, 1, 0, 90 * time.Minute, func(s *simulator.Script) {
		came := s.Now()
		parks(s)
		s.Until(came.Add(3*time.Hour + s.Between(37*time.Minute, 52*time.Minute)))
		answersAndEnds(s)
	}},
	{storyBreached, 1, 0, 90 * time.Minute, func(s *simulator.Script) {
		came := s.Now()
		parks(s)
		s.Until(came.Add(4*time.Hour + s.Between(7*time.Minute, 20*time.Minute)))
		answersAndEnds(s)
	}},
	{storyForgotten, 1, 0, 90 * time.Minute, parks},
	{storyQueued, 1, 0, 90 * time.Minute, func(*simulator.Script) {}},
	{storyTransferred, 1, 0, 90 * time.Minute, func(s *simulator.Script) {
		opens(s)
		s.Wait(s.Between(10*time.Minute, 40*time.Minute))
		s.Transfer()
	}},
}

// opens has an agent take it within some minutes.
func opens(s *simulator.Script) {
	s.Wait(s.Between(30*time.Second, 10*time.Minute))
	s.Take()
	s.Wait(10 * time.Second)
}

func parks(s *simulator.Script) {
	opens(s)
	s.Wait(s.Between(time.Minute, 5*time.Minute))
	s.Park()
}

func answersAndEnds(s *simulator.Script) {
	s.Answer()
	s.Wait(time.Minute)
	s.Close()
}

// The times of the demo's day.
var (
	demoOpens  = time.Date(2026, 3, 4, 8, 50, 0, 0, time.UTC) // a Wednesday
	demoCloses = demoOpens.Add(6*time.Hour + 15*time.Minute)
	demoBegan  = demoOpens.Add(-5 * time.Minute) // when unpark came
	// The API of Genesys is out of order for a while.
	demoOut  = demoOpens.Add(3*time.Hour + 35*time.Minute)
	demoBack = demoOut.Add(25 * time.Minute)
	// What has lain since Monday reaches 48 hours before that.
	demoMonday = demoOpens.Add(155*time.Minute - 48*time.Hour)
)

// populate plans the day; equal seeds plan equal days.
func populate(org *simulator.Org, seed uint64, conversations int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	org.Open(simulator.Opening{Story: storyOld, At: demoMonday, ID: "whatsapp-00", Media: simulator.Message, MessageType: "whatsapp"}, parks)
	for i := range conversations {
		story := demoStories[min(i, len(demoStories)-1)]
		if i >= len(demoStories) {
			story = drawStory(rng)
		}
		op := simulator.Opening{
			Story: story.name, Media: simulator.Message, MessageType: "whatsapp", ID: fmt.Sprintf("whatsapp-%02d", i+1),
			At: demoOpens.Add(story.from + time.Duration(rng.Int64N(int64(story.until-story.from)))).Truncate(time.Second),
		}
		if rng.IntN(3) == 0 {
			op.Media, op.MessageType, op.ID = simulator.Email, "", fmt.Sprintf("email-%02d", i+1)
		}
		org.Open(op, story.play)
	}
}

func drawStory(rng *rand.Rand) demoStory {
	sum := 0
	for _, s := range demoStories {
		sum += s.share
	}
	n := rng.IntN(sum)
	for _, s := range demoStories {
		if n -= s.share; n < 0 {
			return s
		}
	}
	panic("unreachable: n is below the sum")
}
