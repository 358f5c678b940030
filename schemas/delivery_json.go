package schemas

// delivery writes what encoding/json writes of a delivery: a field a line, in the
// order of the struct. TestDeliveryBytes compares the two.
func (w *jsonWriter) delivery(d *Delivery) {
	w.text(`{"state":`, d.State)
	w.text(`,"escalation":`, d.Escalation)
	w.text(`,"org":`, d.Org)
	w.text(`,"conversation":`, d.Conversation)
	w.text(`,"destination":`, d.Destination)
	w.text(`,"status":`, d.Status)
	w.someText(`,"told":`, d.Told)
	w.instant(`,"since":`, d.Since)
	w.someInstant(`,"toldAt":`, d.ToldAt)
	w.instant(`,"raisedAt":`, d.RaisedAt)
	w.someText(`,"address":`, d.Address)
	w.someText(`,"reference":`, d.Reference)
	w.someText(`,"digest":`, d.Digest)
	w.someText(`,"digestPartitions":`, d.DigestPartitions)
	if d.DigestLate {
		w.b = append(w.b, `,"digestLate":true`...)
	}
	w.someText(`,"queue":`, d.Queue)
	w.someText(`,"agent":`, d.Agent)
	w.someText(`,"notice":`, d.Notice)
	w.mark(`,"acknowledged":{"by":`, d.Acknowledged)
	w.mark(`,"snoozed":{"by":`, d.Snoozed)
	if d.Reminders != 0 {
		w.number(`,"reminders":`, int64(d.Reminders))
	}
	w.someInstant(`,"remindAt":`, d.RemindAt)
	w.someText(`,"reason":`, d.Reason)
	w.number(`,"offset":`, d.Offset)
	if len(d.Record) == 0 {
		w.null(recordKey)
	} else {
		w.b = append(append(w.b, recordKey...), d.Record...)
	}
	w.b = append(w.b, '}')
}

func (w *jsonWriter) mark(key string, m *Mark) {
	if m == nil {
		return
	}
	w.text(key, m.By)
	w.instant(`,"at":`, m.At)
	w.instant(`,"until":`, m.Until)
	w.b = append(w.b, '}')
}

// someText leaves the field out if the text is empty.
func (w *jsonWriter) someText(key, s string) {
	if s != "" {
		w.text(key, s)
	}
}

func (w *jsonWriter) someInstant(key string, at Instant) {
	if at != 0 {
		w.instant(key, at)
	}
}
