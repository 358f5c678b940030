package simulator

import "strings"

// The same values are spelled in three ways: the events' NO_ANSWER_TRANSFER is
// transfer.noanswer in the conversations of the API and noAnswerTransfer in its
// analytics.

var dottedDisconnect = map[string]string{
	"CONFERENCE_TRANSFER": "transfer.conference", "CONSULT_TRANSFER": "transfer.consult", "FORWARD_TRANSFER": "transfer.forward",
	"NO_ANSWER_TRANSFER": "transfer.noanswer", "NOT_AVAILABLE_TRANSFER": "transfer.notavailable",
	"TRANSPORT_FAILURE": "transport.failure", "SESSION_EXPIRED": "session.expired",
	"DND_ENDPOINT": "endpoint.donotdisturb", "DND_TRANSFER": "transfer.donotdisturb",
}

func dotted(disconnect string) string {
	if s, ok := dottedDisconnect[disconnect]; ok {
		return s
	}
	return strings.ToLower(disconnect)
}

func camel(disconnect string) string {
	words := strings.Split(strings.ToLower(disconnect), "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func lowerDirection(outbound bool) string { return strings.ToLower(upperDirection(outbound)) }
