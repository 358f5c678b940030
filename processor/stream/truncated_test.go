package stream

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

// A changelog that has lost its end while it was being read, as with a leader that was
// not in step, is looked at anew: its old end never comes.
func TestRestoreOfTruncatedChangelog(t *testing.T) {
	k := newFake(t, 1)
	want := k.worked(t.TempDir(), 1, 10)
	var told atomic.Bool // of an end that is gone
	k.fake.ControlKey(int16(kmsg.ListOffsets), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		req := kreq.(*kmsg.ListOffsetsRequest)
		const readCommitted = 1
		if req.IsolationLevel != readCommitted || req.Topics[0].Topic != schemas.SLAChangelog.Name(k.prefix) || told.Swap(true) {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		p := kmsg.NewListOffsetsResponseTopicPartition()
		p.Offset = 1_000
		resp.Topics = []kmsg.ListOffsetsResponseTopic{{Topic: req.Topics[0].Topic, Partitions: []kmsg.ListOffsetsResponseTopicPartition{p}}}
		return resp, nil, true
	})
	a := k.start(k.config("a", t.TempDir()))
	want = append(want, k.echo(1, 10, 10)...)
	k.waitEscalations(want)
	a.stop()
	if !told.Load() {
		t.Error("nobody was told of an end that is gone")
	}
}
