package notify

// Reasons that are not a destination's own words: metric labels, and the reasons
// of dead letters.
const (
	reasonTimeout = "timeout"
	reasonOther   = "other"
)
