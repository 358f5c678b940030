package notify

// Reasons that are not a destination's own words: metric labels, and the reasons
// of dead letters.
const (
	reasonTimeout     = "timeout"
	reasonUnreachable = "unreachable"
	reasonAddress     = "bad_address"
	reasonSecret      = "secret"
	reasonOther       = "other"

	reasonUndecodable    = "undecodable"
	reasonConfig         = "config_unavailable"
	reasonRules          = "bad_rules"
	reasonUnknownOrg     = "unknown_org"
	reasonUnknownVersion = "unknown_version"
	reasonUnknownTier    = "unknown_tier"
	reasonUnknownRoute   = "unknown_route"
	reasonDestination    = "bad_destination"
	reasonTooLarge       = "too_large"
)

// reasons are all of these.
var reasons = []string{
	reasonTimeout, reasonUnreachable, reasonAddress, reasonSecret, reasonOther, reasonUndecodable, reasonConfig, reasonRules,
	reasonUnknownOrg, reasonUnknownVersion, reasonUnknownTier, reasonUnknownRoute, reasonDestination, reasonTooLarge,
}
