package schemas

// DecodeStateSlowly is DecodeState with nothing but the generated code.
func DecodeStateSlowly(data []byte) (*ConversationState, error) {
	st := &ConversationState{}
	if err := st.UnmarshalVT(data); err != nil {
		return nil, err
	}
	if err := checkStateVersion(st.Version); err != nil {
		return nil, err
	}
	var table tableReader
	if err := table.read(data); err != nil {
		return nil, err
	}
	unpack(st, &table)
	if table.bad {
		return nil, errBadReference
	}
	st.Version = StateVersion
	return st, nil
}

// ReadsQuickly says whether an escalation, or what stands before the record of a
// delivery, is read without encoding/json.
func ReadsQuickly(escalation, delivery []byte) (quickE, quickD bool) {
	e, d := newJSONReader(escalation), newJSONReader(delivery)
	e.escalation()
	d.delivery()
	return e.done(), d.done()
}
