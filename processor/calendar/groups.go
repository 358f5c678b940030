package calendar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Groups is the content of schedule groups by their ids: the part schedules of an
// org's configuration, as synced from Genesys.
type Groups map[string]ScheduleGroup

// groupsFile is Groups as org-config holds them.
type groupsFile struct {
	Groups Groups `json:"groups"`
}

// ParseGroups reads the part schedules. Its error says what is wrong with its form,
// not with what the groups say: see Compile.
func ParseGroups(content []byte) (Groups, error) {
	var f groupsFile
	if err := json.Unmarshal(content, &f); err != nil {
		return nil, fmt.Errorf("schedules: %w", err)
	}
	return f.Groups, nil
}

// JSON returns the part schedules. It is the same for groups that say the same.
func (g Groups) JSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if g == nil {
		g = Groups{}
	}
	if err := enc.Encode(groupsFile{g}); err != nil {
		return nil, fmt.Errorf("schedules as JSON: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Compile compiles every group, and returns what is wrong with the first that is
// no calendar, in the order of their ids.
func (g Groups) Compile() error {
	for _, id := range slices.Sorted(maps.Keys(g)) {
		group := g[id]
		if _, err := Compile(Config{ScheduleGroup: &group}); err != nil {
			return fmt.Errorf("schedule group %s: %w", id, err)
		}
	}
	return nil
}

// Fill gives each calendar that names a schedule group by its id the group's content,
// if g has it.
func (g Groups) Fill(calendars map[string]Config) {
	for name, cfg := range calendars {
		if group, ok := g[cfg.ScheduleGroupID]; ok && cfg.Synced() {
			cfg.ScheduleGroup = &group
			calendars[name] = cfg
		}
	}
}
