package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"unpark/connectors/eventbridge"
	"unpark/connectors/genesys/simulator"
)

// envelopeSink takes what EventBridge would deliver, of all orgs.
type envelopeSink struct {
	write func([]simulator.Delivered) error
	close func() error
}

// sink opens where the envelopes go; without --out or --sqs nowhere.
func (f simulateFlags) sink(ctx context.Context, stdout io.Writer) (*envelopeSink, error) {
	nothing := func() error { return nil }
	switch {
	case f.queue.URL != "":
		p, err := eventbridge.NewPutter(ctx, f.queue)
		if err != nil {
			return nil, err
		}
		return &envelopeSink{func(all []simulator.Delivered) error { return quiet(ctx, p.Put(ctx, envelopes(all))) }, nothing}, nil
	case f.out == "-":
		return &envelopeSink{lines(stdout), nothing}, nil
	case f.out != "":
		file, err := os.OpenFile(f.out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--out: %w", err)
		}
		return &envelopeSink{lines(file), file.Close}, nil
	}
	return &envelopeSink{func([]simulator.Delivered) error { return nil }, nothing}, nil
}

// quiet drops the error of what was interrupted.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func envelopes(all []simulator.Delivered) [][]byte {
	raw := make([][]byte, len(all))
	for i, d := range all {
		raw[i] = d.Envelope
	}
	return raw
}

// lines writes each envelope as one line, whole even if several orgs write.
func lines(w io.Writer) func([]simulator.Delivered) error {
	var mu sync.Mutex
	return func(all []simulator.Delivered) error {
		mu.Lock()
		defer mu.Unlock()
		var text []byte
		for _, d := range all {
			text = append(append(text, d.Envelope...), '\n')
		}
		_, err := w.Write(text)
		return err
	}
}
