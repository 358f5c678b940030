package eventbridge

// Reason says why an envelope cannot be used. The set is bounded, so that a
// reason is also a metric label and the reason header of a dead letter.
type Reason string

// The reasons, in the order in which they are looked for: of several the first
// is reported.
//
//	reason           what is wrong
//	---------------  ---------------------------------------------------------
//	too_large        over MaxEnvelope bytes
//	not_json         not one JSON value
//	too_deep         objects and arrays nested deeper than 32
//	wrong_envelope   no object, not from a Genesys org, no eventBody, or a
//	                 needed field of another type (a numeric id)
//	unknown_topic    none of the 16 detail events and no observation
//	bad_observation  an observation with a wrong type, an author that is not
//	                 customer, agent or bot, or an inner time outside
//	                 2010..2100 (observedAt: bad_time)
//	missing_id       no conversationId; no sessionId in a .start or .end
//	bad_id           an id of more than 256 bytes or with a zero byte
//	bad_time         no event time, one outside 2010..2100, or an envelope time
//	                 that is no RFC 3339
//	time_ahead       event time more than 5 min after the envelope's time
const (
	TooLarge       Reason = "too_large"
	NotJSON        Reason = "not_json"
	TooDeep        Reason = "too_deep"
	WrongEnvelope  Reason = "wrong_envelope"
	UnknownTopic   Reason = "unknown_topic"
	BadObservation Reason = "bad_observation"
	MissingID      Reason = "missing_id"
	BadID          Reason = "bad_id"
	BadTime        Reason = "bad_time"
	TimeAhead      Reason = "time_ahead"
)

// Reasons returns all reasons, in the order of the table above.
func Reasons() []Reason {
	return []Reason{
		TooLarge, NotJSON, TooDeep, WrongEnvelope, UnknownTopic,
		BadObservation, MissingID, BadID, BadTime, TimeAhead,
	}
}

// DecodeError is the only error of Decode. Err says what was expected where and
// never quotes what the envelope holds.
type DecodeError struct {
	Reason Reason
	Err    error
}

func (e *DecodeError) Error() string { return string(e.Reason) + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }
