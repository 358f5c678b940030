package eventbridge

import (
	"bytes"
	"encoding/json"
)

// safe are the fields of an envelope and of its eventBody that are never
// personal.
var (
	safeOuter = []string{"id", "detail-type", "source", "time"}
	safeBody  = []string{
		"eventTime", "observedAt", "conversationId", "participantId", "sessionId", "mediaType",
		"messageType", "direction", "disconnectType", "queueId", "userId", "divisionId",
	}
)

// Blank returns what may be kept of an envelope that cannot be used: the fields
// that are never personal, as JSON; of what is no JSON object only the length:
// {"length": 17}.
func Blank(raw []byte) []byte {
	var outer, detail, body map[string]json.RawMessage
	if json.Unmarshal(raw, &outer) != nil || outer == nil {
		return must(map[string]int{"length": len(raw)})
	}
	// What is of another type is left out like any unknown field.
	_ = json.Unmarshal(outer["detail"], &detail)
	_ = json.Unmarshal(detail["eventBody"], &body)

	kept := pick(outer, safeOuter)
	kept["detail"] = must(struct {
		TopicName json.RawMessage            `json:"topicName,omitempty"`
		EventBody map[string]json.RawMessage `json:"eventBody"`
	}{pick(detail, []string{"topicName"})["topicName"], pick(body, safeBody)})
	return must(kept)
}

func pick(from map[string]json.RawMessage, names []string) map[string]json.RawMessage {
	kept := make(map[string]json.RawMessage, len(names)+1)
	for _, name := range names {
		if value := from[name]; harmless(value) {
			kept[name] = value
		}
	}
	return kept
}

// harmless says that value looks like an id, an enum or a time. A field that
// should hold one may hold anything in an envelope that is broken.
func harmless(value []byte) bool {
	if len(value) == 0 || len(value) > maxID {
		return false
	}
	if digit(value[0]) {
		return true
	}
	text := bytes.TrimSuffix(bytes.TrimPrefix(value, []byte{'"'}), []byte{'"'})
	if len(text) != len(value)-2 {
		return false
	}
	for _, c := range text {
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && !bytes.ContainsRune([]byte("-_.:/{}"), rune(c)) {
			return false
		}
	}
	return true
}

func must(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of checked JSON always marshal
	}
	return b
}
