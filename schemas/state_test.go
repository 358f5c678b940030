package schemas_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"unpark/schemas"
)

// States of version 1 are read for as long as a changelog may hold them.
func TestStateOfVersion1IsRead(t *testing.T) {
	got, err := schemas.DecodeState(stateV1)
	if err != nil {
		t.Fatal(err)
	}
	want := v1()
	want.Version = schemas.StateVersion
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	short, err := schemas.AppendState(nil, got)
	if err != nil {
		t.Fatal(err)
	}
	if len(short) >= len(stateV1) {
		t.Errorf("%d bytes, in version 1 it had %d", len(short), len(stateV1))
	}
}

// What is stored is what was known, whatever fields a state has or will get: the
// states are made of all fields that the schema names, short forms left out.
func TestStateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := &schemas.ConversationState{}
		fill(t, st.ProtoReflect())
		st.Version = schemas.StateVersion
		want := st.CloneVT()
		data, err := schemas.AppendState(nil, st)
		if err != nil {
			t.Fatal(err)
		}
		at, ok, err := schemas.StateDeadline(data)
		if err != nil || ok != (want.DeadlineMs != nil) || at != want.GetDeadlineMs() {
			t.Fatalf("StateDeadline: %d, %t, %v, want %v", at, ok, err, want.DeadlineMs)
		}
		again, err := schemas.AppendState(nil, want.CloneVT())
		if err != nil || !bytes.Equal(data, again) && sized(want) {
			t.Fatalf("two encodings of one state: %v", err)
		}
		got, err := schemas.DecodeState(data)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// sized reports whether the state's attributes have an order: in states with times
// no distance can be told of they stand as they are, in a map.
func sized(st *schemas.ConversationState) bool {
	data, _ := schemas.AppendState(nil, st.CloneVT())
	var stored schemas.ConversationState
	return stored.UnmarshalVT(data) == nil && stored.Table != nil
}

// shortForms are the fields that only a stored state has.
var shortForms = map[protoreflect.FullName]bool{
	"unpark.v1.ConversationState.table": true,
	"unpark.v1.Session.started_at":      true,
	"unpark.v1.Session.ended_at":        true,
	"unpark.v1.Fact.at":                 true,
	"unpark.v1.Episode.attribute_list":  true,
	"unpark.v1.Episode.observed":        true,
	"unpark.v1.Raised.start":            true,
	"unpark.v1.Raised.due":              true,
}

func fill(t *rapid.T, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		short := shortForms[f.FullName()] || strings.HasSuffix(string(f.Name()), "_ref")
		if short || !rapid.Bool().Draw(t, string(f.Name())) {
			continue
		}
		switch {
		case f.IsMap():
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				value := m.Mutable(f).Map().NewValue()
				fill(t, value.Message())
				m.Mutable(f).Map().Set(protoreflect.ValueOfString(text(t)).MapKey(), value)
			}
		case f.IsList():
			for range rapid.IntRange(0, 3).Draw(t, "elements") {
				list := m.Mutable(f).List()
				if f.Message() != nil {
					fill(t, list.AppendMutable().Message())
				} else {
					list.Append(scalar(t, f))
				}
			}
		case f.Message() != nil:
			fill(t, m.Mutable(f).Message())
		default:
			m.Set(f, scalar(t, f))
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
		m.SetUnknown([]byte{0xf8, 0x7f, 1}) // field 2047
	}
}

func scalar(t *rapid.T, f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text(t))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "bytes"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(-1, 5).Draw(t, "enum")))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		return protoreflect.ValueOfInt64(instant(t))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "number"))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "number"))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, "number"))
	default:
		panic(fmt.Sprintf("%s: teach this test the kind %s", f.FullName(), f.Kind()))
	}
}

func instant(t *rapid.T) int64 {
	if rapid.IntRange(0, 49).Draw(t, "absurd") == 0 {
		return rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, -1, 0}).Draw(t, "instant")
	}
	return 1_772_442_000_000 + rapid.Int64Range(0, 1<<28).Draw(t, "instant")
}

func text(t *rapid.T) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "reply", "58fb5dac-0000-4000-8000-c638dbdd4361", "0123456789abcdef0123456789abcdef"}),
		rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
		rapid.StringMatching(`[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}[-0][0-9a-f]{12}`),
		rapid.StringMatching(`[0-9a-g]{32}`),
		rapid.StringN(1, 40, 80),
	).Draw(t, "text")
}

func TestStateNewerThanKnown(t *testing.T) {
	data, err := (&schemas.ConversationState{Version: schemas.StateVersion + 1, DeadlineMs: proto.Int64(1)}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schemas.DecodeState(data); err == nil {
		t.Error("a newer state was read")
	}
	if _, _, err := schemas.StateDeadline(data); err == nil {
		t.Error("a newer state's deadline was read")
	}
}

// A reference to nothing is an error, not somebody else's id.
func TestStateBadReference(t *testing.T) {
	table := &schemas.StateTable{Ids: make([]byte, 16), Words: []string{"reply"}}
	for _, ref := range []uint32{5, 6, 7, 4, math.MaxUint32} {
		data, err := (&schemas.ConversationState{
			Version: 2, Table: table, Episode: &schemas.Episode{Sessions: []*schemas.Session{{IdRef: ref}}},
		}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		if st, err := schemas.DecodeState(data); err == nil {
			t.Errorf("reference %d was read as %q", ref, st.Episode.Sessions[0].Id)
		}
	}
}

// A StateDecoder reads what DecodeState reads, into memory that it uses again; texts
// stay as they are.
func TestStateDecoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			decoder schemas.StateDecoder
			kept    []string
			wanted  []string
		)
		for range rapid.IntRange(1, 3).Draw(t, "transactions") {
			var got, want []*schemas.ConversationState
			for range rapid.IntRange(1, 60).Draw(t, "states") {
				st := &schemas.ConversationState{}
				if rapid.Bool().Draw(t, "usual") {
					st.Episode = usualEpisode(rapid.Int64Range(1, 1<<40).Draw(t, "at"))
				} else {
					fill(t, st.ProtoReflect())
				}
				data, err := schemas.AppendState(nil, st)
				if err != nil {
					t.Fatal(err)
				}
				plain, err := schemas.DecodeState(data)
				if err != nil {
					t.Fatal(err)
				}
				quick, err := decoder.Decode(data)
				if err != nil {
					t.Fatal(err)
				}
				got, want = append(got, quick), append(want, plain)
			}
			for i := range got {
				if !proto.Equal(got[i], want[i]) {
					t.Fatalf("state %d: got %v\nwant %v", i, got[i], want[i])
				}
				kept = append(kept, got[i].GetEpisode().GetQueue().GetValue())
				wanted = append(wanted, strings.Clone(want[i].GetEpisode().GetQueue().GetValue()))
			}
			decoder.Reset()
		}
		if !slices.Equal(kept, wanted) {
			t.Fatalf("texts have changed: %q, want %q", kept, wanted)
		}
	})
}

// usualEpisode has the fields that the codec reads by itself.
func usualEpisode(at int64) *schemas.Episode {
	id := func(n int64) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(at), n) }
	end := at + 5
	ep := &schemas.Episode{
		Opened: true, FirstStart: &schemas.Fact{Value: "inbound", AtMs: at, SessionId: id(1)},
		Queue: &schemas.Fact{Value: id(2), AtMs: at + 1, SessionId: id(3)}, Media: &schemas.Fact{Value: "message", AtMs: at + 1},
	}
	for n := range 3 + at%3 {
		ep.Sessions = append(ep.Sessions, &schemas.Session{Id: id(10 + n), Kind: schemas.SessionKind_SESSION_KIND_USER, StartedAtMs: &at, EndedAtMs: &end, UserId: id(20 + n)})
	}
	return ep
}

// FuzzDecodeState: no bytes make it fail worse than with an error, the generated
// code reads the same, and what can be read can be stored.
func FuzzDecodeState(f *testing.F) {
	f.Add(stateV1)
	short, err := schemas.AppendState(nil, v1())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(short)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = schemas.StateDeadline(data)
		st, err := schemas.DecodeState(data)
		want, slowErr := schemas.DecodeStateSlowly(data)
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("got error %v, the generated code %v", err, slowErr)
		}
		if err != nil {
			return
		}
		if !proto.Equal(st, want) {
			t.Fatalf("got %v\nthe generated code %v", st, want)
		}
		again, err := schemas.AppendState(nil, st)
		if err != nil {
			t.Fatal(err)
		}
		got, err := schemas.DecodeState(again)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}
