package stream

import (
	"slices"
	"testing"
)

func TestRunnersRestart(t *testing.T) {
	k := newKafka(t, 3)
	dir := t.TempDir()
	var want []string
	for round := range 3 {
		p := k.start(k.config("a", dir))
		want = append(want, k.echo(3, 2*round*50, 50)...)
		k.waitEscalations(want)
		p.stop()
		// These stand in the input when the next one starts.
		want = append(want, k.echo(3, (2*round+1)*50, 50)...)
	}
	p := k.start(k.config("a", t.TempDir())) // state comes from the changelog alone
	k.waitEscalations(slices.Clone(want))
	p.waitReady()
	p.stop()
	k.checkEscalations(want)
}
