package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"unpark/connectors/notify"
)

// minKey is the shortest key that the specification allows, in bytes.
const minKey = 24

var (
	headerID        = http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookID)
	headerTimestamp = http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookTimestamp)
	headerSignature = http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookSignature)
)

// sign adds the headers of Standard Webhooks: the message's id, which every attempt
// repeats, the time of this attempt, and with a secret the signature over both and
// the body.
func (n *Notifier) sign(h http.Header, m notify.Message) error {
	now := time.Now()
	id := messageID(m)
	h[headerID] = []string{id}
	h[headerTimestamp] = []string{strconv.FormatInt(now.Unix(), 10)}
	if n.config.Secret == "" {
		return nil
	}
	secret, err := notify.Address(n.config.Secret, n.resolve)
	if err != nil {
		return err
	}
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil || len(secret) < minKey*4/3 {
		return notify.Permanent("bad_secret", errors.New("the webhook's secret is no whsec_... of 24 bytes or more"))
	}
	signature, err := key.Sign(id, now, m.Value)
	if err != nil {
		return notify.Permanent("bad_secret", errors.New("the webhook's secret cannot sign"))
	}
	h[headerSignature] = []string{signature}
	return nil
}

// messageID is the key of the message. Keys name routes, which may hold anything,
// and an id must not hold a dot (the signature's separator): so it is a hash.
func messageID(m notify.Message) string {
	sum := sha256.Sum256([]byte(m.MessageKey))
	return "msg_" + hex.EncodeToString(sum[:16])
}
