package schemas

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// StateVersion is the format of ConversationState that is written. Version 1 is
// read too: it has no short forms.
const StateVersion = 2

// AppendState appends the state as it is stored to dst. It uses the state up: only the
// result may be used afterwards. No message may stand in two places of the state.
func AppendState(dst []byte, st *ConversationState) ([]byte, error) {
	st.Version = StateVersion
	e := encoders.Get().(*stateEncoder)
	defer encoders.Put(e)
	return e.encode(dst, st)
}

// DecodeState is the reverse of AppendState, for every version up to StateVersion.
// The state keeps nothing of data.
func DecodeState(data []byte) (*ConversationState, error) {
	d := decoders.Get().(*stateDecoder)
	defer decoders.Put(d)
	return d.decode(data, new(stateBlock))
}

func checkStateVersion(version uint32) error {
	if version > StateVersion {
		return fmt.Errorf("state of version %d, this program knows up to %d", version, StateVersion)
	}
	return nil
}

// Fields of ConversationState that StateDeadline reads.
const (
	stateVersionField  protowire.Number = 1
	stateDeadlineField protowire.Number = 2
)

// StateDeadline returns the deadline of an encoded state, epoch milliseconds; ok
// is false if it has none. It reads nothing else, for a restore asks it of every
// state.
func StateDeadline(data []byte) (at int64, ok bool, err error) {
	version := uint64(0)
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return 0, false, protowire.ParseError(n)
		}
		data = data[n:]
		if kind == protowire.VarintType && (field == stateVersionField || field == stateDeadlineField) {
			var v uint64
			if v, n = protowire.ConsumeVarint(data); field == stateVersionField {
				version = v
			} else {
				at, ok = int64(v), true
			}
		} else {
			n = protowire.ConsumeFieldValue(field, kind, data)
		}
		if n < 0 {
			return 0, false, protowire.ParseError(n)
		}
		data = data[n:]
	}
	return at, ok, checkStateVersion(uint32(version))
}

var errBadReference = errors.New("a reference to nothing in the state's table")
