package api

import "encoding/json"

// Attributes are those of a participant. What is no string counts as missing: one
// odd value must not cost the whole answer.
type Attributes map[string]string

// UnmarshalJSON implements json.Unmarshaler; it never fails.
func (a *Attributes) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(b, &all) != nil {
		return nil
	}
	for key, raw := range all {
		var value *string
		if json.Unmarshal(raw, &value) != nil || value == nil {
			continue
		}
		if *a == nil {
			*a = make(Attributes)
		}
		(*a)[key] = *value
	}
	return nil
}
