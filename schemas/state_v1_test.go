package schemas_test

import (
	_ "embed"

	"unpark/schemas"
)

//go:embed testdata/state_v1.binpb
var stateV1 []byte

// v1 is what testdata/state_v1.binpb holds: every field of a state of version 1.
func v1() *schemas.ConversationState {
	const start = 1_772_442_000_000
	ms := func(t int64) *int64 { return new(start + t) }
	fact := func(value string, at int64) *schemas.Fact {
		return &schemas.Fact{Value: value, AtMs: start + at, SessionId: "58fb5dac-0000-4000-8000-c638dbdd4361"}
	}
	return &schemas.ConversationState{
		Version: 1, DeadlineMs: ms(12_610_000), ClosedAtMs: ms(-86_400_000),
		Episode: &schemas.Episode{
			Opened: true, FirstStart: fact("inbound", 0), ObservedStartMs: ms(-500),
			Sessions: []*schemas.Session{
				{Id: "58fb5dac-0000-4000-8000-c638dbdd4361", Kind: schemas.SessionKind_SESSION_KIND_CUSTOMER, StartedAtMs: ms(0)},
				{
					Id: "agent-1", Kind: schemas.SessionKind_SESSION_KIND_USER, StartedAtMs: ms(60_000), EndedAtMs: ms(90_000),
					QueueId: "b15b0736-0000-4000-8000-6018f0c22fa7", UserId: "7272D362-0000-4000-8000-DC7B7683153A",
				},
			},
			Queue: fact("b15b0736-0000-4000-8000-6018f0c22fa7", 60_000), Division: fact("0f1e0000-0000-4000-8000-000000000000", 0),
			Media: fact("message", 90_000), MessageType: fact("whatsapp", 90_000),
			Attributes: map[string]*schemas.Fact{"vip": {Value: "yes", AtMs: start + 1000}},
			Observation: &schemas.ThreadObserved{
				OrgId: "32aa07aa-0000-4000-8000-9483601ec29d", ConversationId: "2f7bf00a-0000-4000-8000-92238191433e",
				ObservedAtMs: start + 100_000, StartedAtMs: ms(-500), EndedAtMs: ms(95_000),
				QueueId: "b15b0736-0000-4000-8000-6018f0c22fa7", QueueName: "Support",
				Agent: &schemas.Agent{Id: "7272d362-0000-4000-8000-dc7b7683153a", Name: "Robin", ParticipantId: "p-1", State: "parked", SinceMs: ms(61_000)},
				Messages: []*schemas.ThreadMessage{
					{AtMs: start + 10, By: schemas.Author_AUTHOR_CUSTOMER}, {AtMs: start + 70_000, By: schemas.Author_AUTHOR_AGENT},
				},
				Truncated: true,
			},
			Raised: []*schemas.Raised{{
				Objective: "reply", AtMs: 12_600_000, StartMs: start + 10, DueMs: start + 12_600_010, Raising: 2,
				Status: schemas.RaisedStatus_RAISED_STATUS_CLEARED, Kind: "action", Policy: "default", PolicyVersion: "0123456789abcdef0123456789abcdef",
				Verified: true, Action: &schemas.Action{Do: "requeue", Outcome: "not_taken", Reason: "checks_off"},
			}},
			RetiredSessions: []uint64{1, 0xffffffffffffffff},
		},
		Past: []*schemas.Raising{{Objective: "open", AtMs: 172_800_000, DueMs: start, Count: 3}},
		Unsure: &schemas.Unsure{
			Episode:    &schemas.Episode{Opened: true, Media: fact("email", -90_000_000)},
			ClosedAtMs: ms(-172_800_000),
		},
	}
}
