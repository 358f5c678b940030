package eventbridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

const queueName = "sqs:123456789012/genesys"

func (f *fakeSQS) source(receivers int) Source {
	return Source{SQS: &SQS{URL: f.URL, Receivers: receivers}}
}

func conversations(prefix string, n int) (ids, bodies []string) {
	for i := range n {
		id := fmt.Sprintf("%s-%d", prefix, i)
		ids, bodies = append(ids, id), append(bodies, userStart(id))
	}
	return ids, bodies
}

func TestQueueIsProducedThenDeleted(t *testing.T) {
	q := newFakeSQS(t)
	f := newField(t, nil, q.source(2))
	if err := f.bridge.Ready(); err == nil {
		t.Error("ready before it runs")
	}
	ids, bodies := conversations("c", 25)
	q.put(time.Now(), append(bodies, strings.Replace(userStart("other"), "/org-1/", "/org-2/", 1))...)
	f.run()

	records := f.events(26)
	q.until(t, "everything deleted", func() bool { return len(q.messages) == 0 && len(q.deleted) == 26 })
	f.ready()
	keyed := kgo.StickyKeyPartitioner(nil).ForTopic("t.conversation-events")
	for _, id := range ids {
		r := records[id]
		if string(r.Key) != id || int(r.Partition) != keyed.Partition(r, partitions) {
			t.Errorf("%s: key %s, partition %d", id, r.Key, r.Partition)
		}
		var in schemas.InputRecord
		if err := in.UnmarshalVT(r.Value); err != nil || in.GetEvent().Source != queueName {
			t.Errorf("%s: %v, source %q", id, err, in.GetEvent().Source)
		}
		if r.Timestamp.Before(f.started.Truncate(time.Millisecond)) {
			t.Errorf("%s: stamped %s, not by the clock", id, r.Timestamp)
		}
		noPersonal(t, "record", r.Value)
	}
	m := f.bridge.metrics
	if got := f.count(m.unknownOrg, queueName); got != 1 {
		t.Errorf("%v of unknown orgs", got)
	}
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	for name, got := range map[string]float64{
		"received": f.count(m.received, queueName), "produced": f.count(m.produced, queueName), "deleted": f.count(m.deleted, queueName),
	} {
		if got != 26 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestUndecodableIsLeftToTheQueue(t *testing.T) {
	q := newFakeSQS(t)
	q.attributes["VisibilityTimeout"] = "0"
	f := newField(t, nil, q.source(1))
	q.put(time.Now(), "jane@example.org", userStart("good"))
	f.run()
	q.until(t, "a third attempt", func() bool {
		return len(q.messages) == 1 && q.messages[0].received >= 3
	})
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	m := f.bridge.metrics
	if once := f.count(m.undecodable, queueName, string(NotJSON)); once != 1 {
		t.Errorf("counted %v times", once)
	}
	if tried := f.count(m.attempts, queueName, string(NotJSON)); tried < 2 {
		t.Errorf("%v attempts", tried)
	}
	if len(q.deleted) != 1 {
		t.Errorf("deleted: %v", q.deleted)
	}
	logs := f.logs.String()
	if !strings.Contains(logs, "reason=not_json") || strings.Contains(logs, "jane") || strings.Contains(logs, "no dead-letter queue") {
		t.Errorf("logs: %s", logs)
	}
}

func TestUndecodableWithoutRedrivePolicy(t *testing.T) {
	q := newFakeSQS(t)
	delete(q.attributes, "RedrivePolicy")
	f := newField(t, nil, q.source(1))
	bad := strings.Replace(userStart("bad"), "user.start", "user.pause", 1)
	q.put(time.Now(), bad, userStart("good"))
	f.run()
	var letter *kgo.Record
	f.read("a dead letter", func(r *kgo.Record, _ *schemas.InputRecord) bool {
		if r.Topic == "t.dead-letters" {
			letter = r
		}
		return letter != nil
	})
	q.until(t, "both deleted", func() bool { return q.deleted[bad] == 1 && len(q.messages) == 0 })
	if want := string(Blank([]byte(bad))); string(letter.Value) != want {
		t.Errorf("got %s, want %s", letter.Value, want)
	}
	noPersonal(t, "dead letter", letter.Value)
	headers := make(map[string]string)
	for _, h := range letter.Headers {
		headers[h.Key] = string(h.Value)
	}
	if headers[schemas.HeaderReason] != string(UnknownTopic) || headers[schemas.HeaderOrigin] != "bridge" || headers[schemas.HeaderOriginTopic] != queueName {
		t.Errorf("headers: %v", headers)
	}
	if got := f.logs.String(); strings.Count(got, "no dead-letter queue") != 1 {
		t.Errorf("logs: %s", got)
	}
}

func TestFailedDeletesAreTriedAgain(t *testing.T) {
	q := newFakeSQS(t)
	_, bodies := conversations("c", 10)
	attempts := make(map[string]int)
	q.failDelete = func(body string) (string, bool) {
		attempts[body]++
		if body == bodies[3] && attempts[body] < 3 {
			return "InternalError", false
		}
		return "", false
	}
	f := newField(t, nil, q.source(1))
	q.put(time.Now(), bodies...)
	f.run()
	q.until(t, "everything deleted", func() bool { return len(q.messages) == 0 })
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	if attempts[bodies[3]] != 3 || attempts[bodies[0]] != 1 {
		t.Errorf("attempts: %v", attempts)
	}
	if got := f.count(f.bridge.metrics.failures, queueName, opDelete); got != 2 {
		t.Errorf("%v failures counted", got)
	}
}

func TestSlowKafkaHoldsTheQueueBack(t *testing.T) {
	const most = batchesPerReceiver * batchSize
	q := newFakeSQS(t)
	q.attributes["VisibilityTimeout"] = "2"
	f := newField(t, nil, q.source(1))
	ids, bodies := conversations("c", 3*most)
	sent := f.started.Add(-time.Hour)
	q.put(sent, bodies...)
	f.block()
	f.run()
	q.until(t, "all slots in use and every message kept invisible", func() bool { return q.extended >= 2*most })
	if q.receives != batchesPerReceiver || len(q.deleted) != 0 {
		t.Errorf("%d receives, %d deleted while Kafka answered nothing", q.receives, len(q.deleted))
	}
	if upTo, ok := f.bridge.sources[0].readUpTo(f.started.UnixMilli()); !ok || upTo >= sent.UnixMilli() {
		t.Errorf("read up to %d, %v; sent at %d", upTo, ok, sent.UnixMilli())
	}
	f.open()
	if got := f.events(len(ids)); len(got) != len(ids) {
		t.Errorf("%d of %d", len(got), len(ids))
	}
	q.until(t, "everything deleted", func() bool { return len(q.messages) == 0 })
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.maxHidden > most {
		t.Errorf("up to %d in flight, at most %d allowed", q.maxHidden, most)
	}
	for body, n := range q.deleted {
		if n != 1 {
			t.Errorf("deleted %d times: %s", n, body)
		}
	}
}

func TestStopFinishesWhatWasReceived(t *testing.T) {
	q := newFakeSQS(t)
	f := newField(t, nil, q.source(1))
	_, bodies := conversations("c", 10)
	f.block()
	f.run()
	q.put(time.Now(), bodies...)
	q.until(t, "everything received", func() bool { return q.maxHidden == 10 })
	f.stop()
	f.open()
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	if len(q.messages) != 0 || len(q.deleted) != 10 {
		t.Errorf("%d left, %d deleted", len(q.messages), len(q.deleted))
	}
}

func TestStopDoesNotWaitForADeadKafka(t *testing.T) {
	q := newFakeSQS(t)
	f := newField(t, nil, q.source(1))
	f.block()
	f.run()
	q.put(time.Now(), userStart("c"))
	q.until(t, "received", func() bool { return q.maxHidden == 1 })
	start := time.Now()
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > drain+3*time.Second {
		t.Errorf("took %s", took)
	}
	if len(q.deleted) != 0 {
		t.Error("deleted what Kafka never acknowledged")
	}
	if m := q.messages[0]; m.visible.After(time.Now()) {
		t.Errorf("invisible to whoever reads the queue now, until %s", m.visible)
	}
}

func TestNothingIsClaimedWhileReceivesFail(t *testing.T) {
	q := newFakeSQS(t)
	q.failReceive = true
	f := newField(t, nil, q.source(1))
	f.run()
	// The client of SQS tries again by itself before it tells.
	q.until(t, "a failed receive", func() bool { return f.count(f.bridge.metrics.failures, queueName, opReceive) > 0 })
	if f.bridge.Ready() == nil {
		t.Error("ready though nothing can be received")
	}
	if _, ok := f.bridge.sources[0].readUpTo(f.started.UnixMilli()); ok {
		t.Error("progress though nothing can be received")
	}
	q.do(func() { q.failReceive = false })
	f.ready()
	f.progress("now", func(r *kgo.Record, upTo int64) bool { return upTo >= f.started.UnixMilli() })
	if !strings.Contains(f.logs.String(), "cannot receive") {
		t.Errorf("the failure is not told: %s", f.logs.String())
	}
}

func TestKafkaIsTriedUntilItTakesARecord(t *testing.T) {
	q := newFakeSQS(t)
	f := newField(t, nil, q.source(1))
	if err := f.cluster.DeleteTopic("t.conversation-events"); err != nil {
		t.Fatal(err)
	}
	q.put(time.Now(), userStart("c"))
	f.run()
	q.until(t, "received", func() bool { return q.maxHidden == 1 })
	if err := f.cluster.CreateTopic("t.conversation-events", partitions, nil); err != nil {
		t.Fatal(err)
	}
	q.until(t, "deleted in the end", func() bool { return len(q.deleted) == 1 })
}

func TestPlace(t *testing.T) {
	for _, tc := range []struct{ url, endpoint, region, asked string }{
		{"https://sqs.eu-west-1.amazonaws.com/123456789012/q", "", "eu-west-1", ""},
		{"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", "", "cn-north-1", ""},
		{"https://sqs-fips.us-east-1.amazonaws.com/123456789012/q", "", "us-east-1", ""},
		{"https://sqs.eu-west-1.amazonaws.com/123456789012/q", "http://proxy:1", "eu-west-1", "http://proxy:1"},
		{"https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/123456789012/q", "", "eu-west-1", "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com"},
		{"http://127.0.0.1:9324/000000000000/q", "", "", "http://127.0.0.1:9324"},
		{"http://127.0.0.1:9324/000000000000/q", "http://mq:9324", "", "http://mq:9324"},
		{"https://sqs.eu-west-1.amazonaws.com.evil.example/1/q", "", "", "https://sqs.eu-west-1.amazonaws.com.evil.example"},
	} {
		if region, asked := place(SQS{URL: tc.url, Endpoint: tc.endpoint}); region != tc.region || asked != tc.asked {
			t.Errorf("%s %s: got %q %q", tc.url, tc.endpoint, region, asked)
		}
	}
}

// Each source in trouble is named, also while another is.
func TestEverySourceInTroubleIsNamed(t *testing.T) {
	one, other := newFakeSQS(t), newFakeSQS(t)
	other.URL = other.Server.URL + "/123456789012/other"
	one.failReceive, other.failReceive = true, true
	f := newField(t, nil, one.source(1), other.source(1))
	f.run()
	for _, q := range []*fakeSQS{one, other} {
		q.until(t, "a second receive", func() bool { return q.receives >= 2 })
	}
	for _, name := range []string{queueName, "sqs:123456789012/other"} {
		n := 0
		for line := range strings.Lines(f.logs.String()) {
			if strings.Contains(line, "cannot receive") && strings.Contains(line, "source="+name+" ") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is named %d times, want once:\n%s", name, n, f.logs.String())
		}
	}
}
