package notify

import (
	"log/slog"
	"testing"
)

func TestReachIsWrittenAndRead(t *testing.T) {
	shelf, err := openShelf("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := shelf.close(); err != nil {
			t.Error(err)
		}
	}()
	l := &ledger{shelf: shelf, books: map[int32]*book{}, log: slog.New(slog.DiscardHandler)}
	for _, p := range []int32{0, 1, 2, 3, 7, 9, 10} {
		b := newBook(l, newWindow("t", p))
		b.fill()
		l.books[p] = b
	}
	if got := l.reach().String(); got != "0-3,7,9-10" {
		t.Errorf("written as %s", got)
	}
	for text, ours := range map[string]bool{"0-3,7": true, "9-10": true, "10": true, "3-4": false, "8": false, "": false, "x": false, "1-": false} {
		r, ok := l.reachOf(text)
		if ok != ours || ok && r.String() != text {
			t.Errorf("%q: %s, ours %v", text, r, ok)
		}
	}
	r, _ := l.reachOf("0-1")
	if l.books[1].close(); r.ours() {
		t.Error("a partition that is lost is ours")
	}
}
