package kafka

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// TestReadMerged has three partitions of different lengths, longer than a batch,
// come out in the order of their append times.
func TestReadMerged(t *testing.T) {
	e := start(t, t.TempDir())
	cl := client(t, append(e.Options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	defer closeAll(t, e, cl)
	topic := schemas.ConversationEvents.Name(DefaultLayout().Prefix)
	var want []string
	var records []*kgo.Record
	for i := range 3000 {
		partition := int32(2)
		if i < 1800 {
			partition = int32(i % 2)
		}
		value := fmt.Sprintf("%d of partition %d", i, partition)
		want = append(want, value)
		records = append(records, &kgo.Record{
			Topic: topic, Partition: partition, Value: []byte(value),
			Timestamp: time.UnixMilli(1_772_442_000_000 + int64(i/2)),
		})
	}
	if err := cl.ProduceSync(testContext(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := ReadMerged(testContext(t), e.Options(), topic, func(r *kgo.Record) error {
		got = append(got, string(r.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}

	enough := errors.New("enough")
	if err := ReadMerged(testContext(t), e.Options(), topic, func(*kgo.Record) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v, want what each returned", err)
	}
}
