package processor_test

// Where the processor reads SLA.md in a way of its own, the model can follow it,
// so that the comparison still covers everything else. false is the reading that
// the model would take from the text.
const (
	// raisingsPerEpisode: the processor counts the raisings of a tier with the same
	// due per episode, so that the next episode, due at the same instant since no
	// office hour lies between them, takes up the ids of the one before. "One id
	// goes raised -> cleared or retracted; never both, never twice" (6).
	raisingsPerEpisode = true

	// earlierMessageIsFirstReply: the processor takes an agent's message from just
	// before startedAt as the episode's first reply, so that first_reply never falls
	// due. For section 6 an answer is one after the start.
	earlierMessageIsFirstReply = true

	// answeredFirstReplyIsRaised: the processor raises a first_reply that was due
	// before the answer also if the answer is known by then, and clears it when the
	// next record of the conversation comes, be it a repeated one. "Applying an
	// event twice changes nothing" (2).
	answeredFirstReplyIsRaised = true

	// endsGoWithTheirSessions: an .end after endedAt that comes before the close is
	// not kept for the next episode if its session was begun in this one; the same
	// .end after the close is. It "is kept for the next episode" (1), and "applying
	// an event twice changes nothing" (2).
	endsGoWithTheirSessions = true
)
