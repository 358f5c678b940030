package simulator

import (
	"errors"
	"time"
)

// Config describes an organisation. The zero value of a field is its default.
type Config struct {
	ID   string // the organisation's id; required
	Name string // by default the id
	Seed uint64
	// Zone is where its people work, 09:00 to 17:00 from Monday to Friday; UTC by
	// default.
	Zone *time.Location
	// Now is the time at which an API call is answered; required.
	Now func() time.Time
	// ClientID and ClientSecret are its OAuth client; by default "client-" and
	// "secret-" with the name.
	ClientID, ClientSecret string
	// Permissions of that client; by default every one that a call needs.
	Permissions []string
	// Rescue is how long somebody takes to answer what was put back into a queue
	// through the API, in working hours; by default 10 minutes.
	Rescue time.Duration
	// MultiAction has agents send any number of e-mails in one conversation. By
	// default the first reply ends the agent's part, and the conversation.
	MultiAction bool
	// Happened is told what people do, as it happens; nil: nobody is. It is called
	// with the organisation locked and must not call it.
	Happened func(Happening)

	Delivery Delivery
	Unknowns Unknowns
	Limits   Limits
}

// Delivery is how EventBridge hands over what Genesys publishes.
type Delivery struct {
	// Delay is the longest that an envelope usually takes; each takes a time of
	// its own, so two that are closer together may change places.
	Delay time.Duration
	// Late is the share that takes up to LateBy longer.
	Late   float64
	LateBy time.Duration
	// Duplicates is the share that is delivered twice, half of these published
	// anew, that is with another envelope id.
	Duplicates float64
}

// Limits are those of the API.
type Limits struct {
	PerMinute      int           // calls a minute and token; 300
	TokenPerMinute int           // tokens a minute and client; 10
	TokenTTL       time.Duration // 24 h
	PageSize       int           // the largest page of a listing; 500
	// QueryPageSize and QueryInterval bound the details query. Genesys documents
	// neither: 100 and 31 days.
	QueryPageSize int
	QueryInterval time.Duration
}

// Unknowns are questions that the documentation of Genesys leaves open. The zero
// value is the likelier reading of each.
type Unknowns struct {
	// ParkingEndsSession: parking emits user.end, and resuming a user.start of a
	// new session.
	ParkingEndsSession bool
	// MailStartsSession: a customer's mail into a connected e-mail conversation
	// starts a new customer session.
	MailStartsSession bool
	// ReopenKeepsParticipant: who comes back is the same customer participant,
	// with one more session.
	ReopenKeepsParticipant bool
	// NoAnswer is the disconnectType of an alert that nobody took, in the events'
	// spelling; NO_ANSWER_TRANSFER by default.
	NoAnswer string
	// ReadsNeedPermission: reads that document no permission need
	// conversation:communication:view.
	ReadsNeedPermission bool
	// ReplaceRefusesParked and ReplaceRefusesAlerting: such an agent cannot be
	// replaced; the call answers 400.
	ReplaceRefusesParked, ReplaceRefusesAlerting bool
	// EndWaitsForWrapUp: the conversation has no endTime before the last wrap-up.
	// That of the analytics always waits.
	EndWaitsForWrapUp bool
	// AllDayEndsBeforeMidnight: a schedule of a whole day ends at 23:59:59 instead
	// of at the next midnight.
	AllDayEndsBeforeMidnight bool
	// DeletedIsGone: a schedule or group that is deleted answers 404 instead of its
	// state.
	DeletedIsGone bool
	// AnalyticsSkew is how far the analytics' times of a session may be off those of
	// its events.
	AnalyticsSkew time.Duration
	// OneCorrelation: the events of a conversation share a CorrelationId.
	OneCorrelation bool
}

func (c Config) withDefaults() (Config, error) {
	if c.ID == "" || c.Now == nil {
		return c, errors.New("simulator: an organisation needs an ID and Now")
	}
	fill(&c.Name, c.ID)
	fill(&c.ClientID, "client-"+c.Name)
	fill(&c.ClientSecret, "secret-"+c.Name)
	fill(&c.Rescue, 10*time.Minute)
	fill(&c.Unknowns.NoAnswer, "NO_ANSWER_TRANSFER")
	fill(&c.Limits.PerMinute, 300)
	fill(&c.Limits.TokenPerMinute, 10)
	fill(&c.Limits.TokenTTL, 24*time.Hour)
	fill(&c.Limits.PageSize, 500)
	fill(&c.Limits.QueryPageSize, 100)
	fill(&c.Limits.QueryInterval, 31*24*time.Hour)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Permissions == nil {
		c.Permissions = AllPermissions()
	}
	return c, nil
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
