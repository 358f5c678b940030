package schemas

import (
	"strconv"
	"strings"
)

// HeaderIndex holds a DeliveryIndex.
const HeaderIndex = "unpark.index"

// DeliveryIndex is what a notifier wants to know of each Delivery that it reads, its own
// and, when it takes a partition over, those of others: it need not decode most.
// Together with the key it says where a delivery belongs and whether anything is to be
// done.
type DeliveryIndex struct {
	Pending bool
	// Look is when a delivery that is not pending is to be looked at again.
	Look         Instant
	Conversation string
	Digest       string
}

// Encode returns the header's value: "pending" or "sent", the look in epoch
// milliseconds, the digest and the conversation, with a space between.
func (i DeliveryIndex) Encode() []byte {
	state := DeliverySent
	if i.Pending {
		state = DeliveryPending
	}
	return []byte(state + " " + strconv.FormatInt(int64(i.Look), 10) + " " + i.Digest + " " + i.Conversation)
}

// DecodeDeliveryIndex reads a header's value; false if it is none.
func DecodeDeliveryIndex(value []byte) (i DeliveryIndex, ok bool) {
	parts := strings.SplitN(string(value), " ", 4)
	if len(parts) != 4 {
		return i, false
	}
	look, err := strconv.ParseInt(parts[1], 10, 64)
	i = DeliveryIndex{Pending: parts[0] == DeliveryPending, Look: Instant(look), Digest: parts[2], Conversation: parts[3]}
	return i, err == nil && (i.Pending || parts[0] == DeliverySent)
}
