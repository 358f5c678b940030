package eventbridge

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Keys come in any order and written in any way, whatever came before.
func TestKeysAreOnlyExpected(t *testing.T) {
	d := NewDecoder(keepVIP)
	for _, replaced := range [][2]string{
		{}, {`"conversationId":`, `"conversationId" :`}, {}, {`"conversationId":`, `"conversationIdx":1,"conversationId":`},
		{`"conversationId":`, `"conversation\u0049d":`}, {}, {`"conversationId":`, `"conversation":"x","conversationId":`},
		{`"id":`, `"é":"x","id":`}, {`"id":`, "\"\xff\":1,\"id\":"}, {`"id":`, `"\n\n` + "\xff" + `":1,"id":`}, {`"conversationId":`, `"conversationId"`},
		{`"conversationId":"`, `"conversationId":null,"conversationId":"`}, {`"detail":{`, `"detail": {`}, {},
	} {
		raw := strings.Replace(goodEvent, replaced[0], replaced[1], 1)
		for range 2 {
			usual := compareWays(t, d, []byte(raw))
			if _, err := decode([]byte(raw), keepVIP); usual != (err == nil) {
				t.Errorf("read in one pass: %v, and decode says %v\n%s", usual, err, raw)
			}
		}
	}
}

func TestKeyringIsBounded(t *testing.T) {
	d := NewDecoder(keepVIP)
	for i := range 2 * maxKeys {
		compareWays(t, d, []byte(strings.Replace(goodEvent, `"id":`, fmt.Sprintf(`"key %d":%d,"id":`, i, i), 1)))
	}
	compareWays(t, d, []byte(strings.Replace(goodEvent, `"id":`, `"`+strings.Repeat("x", maxKey+1)+`":1,"id":`, 1)))
	if n := len(d.keys.known); n > maxKeys {
		t.Errorf("%d keys are remembered", n)
	}
	for written := range d.keys.known {
		if len(written) > maxKey+len(`"":`) {
			t.Errorf("%q is remembered", written)
		}
	}
}

// An instant is read as the library reads it, on the day of the one before or another.
func TestDayReadsInstants(t *testing.T) {
	texts := []string{
		"2026-03-02T09:08:07Z", "2026-03-02T23:59:59Z", "2026-03-02T00:00:00Z", "2026-03-02T24:00:00Z", "2026-03-02T09:60:00Z",
		"2026-03-02T09:00:60Z", "2026-03-02T0:000:00Z", "2026-03-02T09.00:00Z", "2026-03-02T09:00.00Z", "2026-03-02T09:00:0xZ",
		"2026-03-02T/9:00:00Z", "2026-03-02T:9:00:00Z", "2026-03-02T09:00:00z", "2026-03-02T09:00:00.5Z", "2026-03-02T09:00:00+01:00",
		"2026-03-03T09:00:00Z", "2026-02-30T09:00:00Z", "2026-03-02 09:00:00Z", "2024-02-29T12:00:00Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "",
	}
	for _, before := range texts {
		for _, text := range texts {
			var d day
			d.read([]byte(before))
			got, ok := d.read([]byte(text))
			var want time.Time
			err := want.UnmarshalText([]byte(text))
			if ok != (err == nil) || ok && got != want.UnixMilli() {
				t.Errorf("%q behind %q: %d, %v; the library says %v, %v", text, before, got, ok, want, err)
			}
		}
	}
}
