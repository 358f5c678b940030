package eventbridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// fakeSQS is one queue that speaks SQS's JSON protocol: what a client may rely
// on and no more.
type fakeSQS struct {
	*httptest.Server
	URL     string
	mu      sync.Mutex
	changed chan struct{} // closed and replaced on each change

	attributes map[string]string
	messages   []*fakeMessage
	deleted    map[string]int // by body
	extended   int
	maxHidden  int // the most messages that were received and not deleted
	receives   int
	next       int

	// failReceive, failDelete and failExtend break calls; a code is returned for
	// a message, "" lets it pass.
	failReceive bool
	failDelete  func(body string) (code string, senderFault bool)
	// idle is how long a poll of an empty queue takes.
	idle time.Duration
}

type fakeMessage struct {
	body, handle string
	sent         time.Time
	visible      time.Time
	received     int
}

func newFakeSQS(t *testing.T) *fakeSQS {
	f := &fakeSQS{
		attributes: map[string]string{"VisibilityTimeout": "30", "RedrivePolicy": `{"maxReceiveCount":3}`},
		deleted:    make(map[string]int), changed: make(chan struct{}), idle: 20 * time.Millisecond,
	}
	f.Server = httptest.NewServer(f)
	f.URL = f.Server.URL + "/123456789012/genesys"
	t.Cleanup(f.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "anyone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "anything")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return f
}

// do changes the queue and wakes who waits for it.
func (f *fakeSQS) do(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeSQS) put(sent time.Time, bodies ...string) {
	f.do(func() {
		for _, b := range bodies {
			f.messages = append(f.messages, &fakeMessage{body: b, sent: sent})
		}
	})
}

// until waits for a condition on the queue.
func (f *fakeSQS) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		f.mu.Lock()
		ok, changed := holds(), f.changed
		f.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-patience:
			t.Fatalf("never: %s", what)
		}
	}
}

type fakeEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout int
}

func (f *fakeSQS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QueueURL            string `json:"QueueUrl"`
		MaxNumberOfMessages int
		VisibilityTimeout   int
		WaitTimeSeconds     int
		Entries             []fakeEntry
	}
	if r.Header.Get("Content-Type") != "application/x-amz-json-1.0" || json.NewDecoder(r.Body).Decode(&in) != nil || in.QueueURL != f.URL {
		f.fail(w, http.StatusBadRequest, "InvalidParameterValue")
		return
	}
	var out any
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSQS.GetQueueAttributes":
		f.do(func() { out = map[string]any{"Attributes": f.attributes} })
	case "AmazonSQS.ReceiveMessage":
		messages, ok := f.receive(r, in.MaxNumberOfMessages, in.WaitTimeSeconds, time.Duration(in.VisibilityTimeout)*time.Second)
		if !ok {
			f.fail(w, http.StatusForbidden, "AccessDenied")
			return
		}
		out = map[string]any{"Messages": messages}
	case "AmazonSQS.DeleteMessageBatch":
		out = f.batch(in.Entries, f.delete)
	case "AmazonSQS.ChangeMessageVisibilityBatch":
		out = f.batch(in.Entries, f.hide)
	default:
		f.fail(w, http.StatusBadRequest, "InvalidAction")
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fakeSQS) fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": code})
}

// receive polls: it waits for a message for a while if there is none.
func (f *fakeSQS) receive(r *http.Request, most, wait int, hide time.Duration) ([]map[string]any, bool) {
	if most != 10 || wait != 20 {
		return nil, false
	}
	f.do(func() { f.receives++ })
	for idle := time.After(f.idle); ; {
		var got []map[string]any
		f.mu.Lock()
		failing, changed := f.failReceive, f.changed
		f.mu.Unlock()
		if failing {
			return nil, false
		}
		f.do(func() { got = f.take(most, hide); changed = f.changed })
		if len(got) > 0 {
			return got, true
		}
		f.mu.Lock()
		changed = f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-idle:
			return nil, true
		case <-r.Context().Done():
			return nil, true
		}
	}
}

func (f *fakeSQS) take(most int, hide time.Duration) []map[string]any {
	var got []map[string]any
	hidden := 0
	for _, m := range f.messages {
		if time.Now().Before(m.visible) {
			hidden++
			continue
		}
		if len(got) == most {
			continue
		}
		hidden++
		m.received++
		f.next++
		m.visible, m.handle = time.Now().Add(hide), strconv.Itoa(f.next)
		got = append(got, map[string]any{"MessageId": "id", "ReceiptHandle": m.handle, "Body": m.body, "Attributes": map[string]string{
			"SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10), "ApproximateReceiveCount": strconv.Itoa(m.received),
		}})
	}
	f.maxHidden = max(f.maxHidden, hidden)
	return got
}

// batch does something to each entry; what returns a code has failed.
func (f *fakeSQS) batch(entries []fakeEntry, one func(fakeEntry) (code string, senderFault bool)) any {
	ok, failed := []map[string]any{}, []map[string]any{}
	f.do(func() {
		for _, e := range entries {
			if code, fault := one(e); code != "" {
				failed = append(failed, map[string]any{"Id": e.ID, "Code": code, "SenderFault": fault})
				continue
			}
			ok = append(ok, map[string]any{"Id": e.ID})
		}
	})
	return map[string]any{"Successful": ok, "Failed": failed}
}

func (f *fakeSQS) delete(e fakeEntry) (string, bool) {
	for i, m := range f.messages {
		if m.handle != e.ReceiptHandle {
			continue
		}
		if f.failDelete != nil {
			if code, fault := f.failDelete(m.body); code != "" {
				return code, fault
			}
		}
		f.deleted[m.body]++
		f.messages = append(f.messages[:i:i], f.messages[i+1:]...)
		return "", false
	}
	return "ReceiptHandleIsInvalid", true
}

func (f *fakeSQS) hide(e fakeEntry) (string, bool) {
	for _, m := range f.messages {
		if m.handle == e.ReceiptHandle {
			m.visible = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
			f.extended++
			return "", false
		}
	}
	return "ReceiptHandleIsInvalid", true
}

// userStart is a user.start of the conversation.
func userStart(conversation string) string {
	return fmt.Sprintf(`{"id":"e","detail-type":"v2.detail.events.conversation.{id}.user.start","source":"aws.partner/genesys.com/cloud/org-1/s","time":"2026-03-02T09:15:04Z","detail":{"eventBody":{"eventTime":1772442903949,"conversationId":%q,"sessionId":"s","mediaType":"EMAIL","addressFrom":"jane@example.org"}}}`, conversation)
}
