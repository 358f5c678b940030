package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Parts of an org's configuration on org-config.
const (
	// PartRules holds policies, calendars and routes: one org file, as JSON.
	PartRules = "rules"
	// PartSchedules holds schedule groups as synced from Genesys.
	PartSchedules = "schedules"
)

// OrgConfigKey is the key of a version of an org's configuration.
type OrgConfigKey struct{ Org, Part, Version string }

func (k OrgConfigKey) String() string { return k.Org + "/" + k.Part + "/" + k.Version }

// ParseOrgConfigKey reads a key of org-config; ok is false if it is none.
func ParseOrgConfigKey(key string) (k OrgConfigKey, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return OrgConfigKey{}, false
	}
	return OrgConfigKey{Org: parts[0], Part: parts[1], Version: parts[2]}, true
}

// ContentVersion is the version of a configuration: hex of the first 16 bytes
// of SHA-256 over its JSON.
func ContentVersion(json []byte) string {
	sum := sha256.Sum256(json)
	return hex.EncodeToString(sum[:16])
}
