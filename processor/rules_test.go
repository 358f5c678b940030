package processor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"unpark/processor"
	"unpark/processor/stream"
	"unpark/schemas"
)

type configsFunc func(context.Context) ([]byte, bool, error)

func (f configsFunc) Get(ctx context.Context, _ schemas.OrgConfigKey) ([]byte, bool, error) {
	return f(ctx)
}

// Rules that cannot be had now are no reason to stop for good, nor to wait for long:
// other partitions are worked beside this one.
func TestRulesUnavailable(t *testing.T) {
	inForce := &schemas.OrgState{Active: map[string]string{schemas.PartRules: "v1"}}
	for name, configs := range map[string]configsFunc{
		"org-config does not answer": func(ctx context.Context) ([]byte, bool, error) { <-ctx.Done(); return nil, false, ctx.Err() },
		"it fails":                   func(context.Context) ([]byte, bool, error) { return nil, false, errors.New("no leader") },
		"it has lost the version":    func(context.Context) ([]byte, bool, error) { return nil, false, nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := processor.NewRules(configs).InForce(t.Context(), "org-1", inForce)
				if !stream.IsUnavailable(err) {
					t.Errorf("%v does not count as passing", err)
				}
				if took := time.Since(begun); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
	broken := configsFunc(func(context.Context) ([]byte, bool, error) { return []byte("{"), true, nil })
	if _, err := processor.NewRules(broken).InForce(t.Context(), "org-1", inForce); err == nil || stream.IsUnavailable(err) {
		t.Errorf("%v counts as passing", err)
	}
}
