package notify

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

// An owner record is heard, but for one of our own group while we are in it: its notifier
// gave the partition up before the brokers took it.
func TestOwnerRecordOfSomebodyElse(t *testing.T) {
	for name, next := range map[string]owner{
		"another group":            {"next", "t.renamed"},
		"a group that is not told": {"next", ""},
	} {
		t.Run(name, func(t *testing.T) { takenBySomebodyElse(t, next) })
	}
}

func takenBySomebodyElse(t *testing.T, next owner) {
	f := newField(t, 1)
	d, _ := f.start(Config{})
	f.escalate(good, 0, 10)
	f.until("ten are told", func() bool { return len(f.takenBy("good")) == 10 })
	take := func(value []byte) {
		t.Helper()
		r := &kgo.Record{Topic: "t.deliveries", Key: []byte(schemas.DeliveryOwner + "0"), Value: value}
		if err := f.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}

	// The group is asked, and again if it does not say.
	f.cluster.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		return resp, nil, true
	})
	take(owner{"late", "t.notifier"}.encode())
	f.until("the late one is read", func() bool { return strings.Contains(f.logs.String(), "has come late") })
	f.escalate(good, 10, 20)
	f.until("ten more are told", func() bool { return len(f.takenBy("good")) == 20 })
	if err := d.Ready(); err != nil {
		t.Error(err)
	}

	take(next.encode())
	f.until("it is not ready, since another has the partition", func() bool { return d.Ready() != nil })
	if err := d.Ready(); !strings.Contains(err.Error(), "another notifier has taken partition 0 over") {
		t.Error(err)
	}
	f.escalate(good, 20, 30)
	f.until("ten more are read", func() bool { return f.committed() == 20 && d.allWindows()[0].unsettled() == 10 })
	if n := len(f.takenBy("good")); n != 20 {
		t.Errorf("%d are told of what is another's", n-20)
	}
}

// A partition that is being given up is nobody else's yet: what is under way may end, and
// who asks meanwhile is not told otherwise.
func TestReadyWhileAPartitionIsGivenUp(t *testing.T) {
	f := newField(t, 1)
	d, _ := f.start(Config{})
	f.escalate(good, 0, 1)
	f.until("it is told", func() bool { return len(f.takenBy("good")) == 1 })
	d.allWindows()[0].close() // which release does first
	if err := d.Ready(); err != nil {
		t.Error(err)
	}
}

// A group may lose a notifier, be deleted and made anew under its name before that one
// knows: its generations begin again, and whoever is in it has the partition all the same.
func TestOwnerRecordOfAGroupMadeAnew(t *testing.T) {
	f := newField(t, 1)
	_, stop := f.start(Config{})
	f.escalate(good, 0, 5)
	f.until("five are told", func() bool { return f.committed() == 5 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	a, _ := f.start(Config{}) // of a later generation
	f.escalate(good, 5, 10)
	f.until("five more are told", func() bool { return f.committed() == 10 && f.end() == 22 })

	adm := kadm.NewClient(f.client)
	described, err := adm.DescribeGroups(t.Context(), "t.notifier")
	if err != nil || len(described["t.notifier"].Members) != 1 {
		t.Fatal(described, err)
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = "t.notifier", described["t.notifier"].Members[0].MemberID
	leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: leave.MemberID}}
	var taken atomic.Bool // what is written next is the owner record of who takes it over
	f.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		taken.Store(true)
		return nil, nil, false
	})
	f.cluster.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.cluster.KeepControl()
		return req.ResponseKind(), nil, !taken.Load() && req.(*kmsg.HeartbeatRequest).MemberID == leave.MemberID
	})
	if _, err := leave.RequestWith(t.Context(), f.client); err != nil {
		t.Fatal(err)
	}
	if resp, err := adm.DeleteGroup(t.Context(), "t.notifier"); err != nil || resp.Err != nil {
		t.Fatal(err, resp.Err)
	}
	b, _ := f.start(Config{})
	f.until("the next one has it", func() bool { return b.Ready() == nil })
	f.until("the first one knows", func() bool { return a.Ready() != nil })
	if strings.Contains(f.logs.String(), "has come late") {
		t.Error("the next one is taken for a late one")
	}
	f.escalate(good, 10, 20)
	f.until("ten more are told", func() bool { return f.committed() == 20 && len(f.takenBy("good")) >= 20 })
	if diff := cmp.Diff(conversations(0, 20), f.takenBy("good")); diff != "" {
		t.Error(diff)
	}
}

// What cannot be read, or does not say its group, is of another.
func TestDecodeOwner(t *testing.T) {
	for value, want := range map[string]owner{
		`{"owner":"a","group":"g","generation":7}`: {"a", "g"},
		`{"owner":"a","group":7}`:                  {},
		`{"owner":"a"}`:                            {"a", ""},
		`owner`:                                    {},
	} {
		if got := decodeOwner([]byte(value)); got != want {
			t.Errorf("%s: %+v, want %+v", value, got, want)
		}
	}
}
