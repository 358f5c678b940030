package clock

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Lead leads the time of a simulation: it passes Speed times as fast as the wall
// clock up to a limit, and beyond that no faster than the wall clock until the
// limit is moved. So a clock that everything hurries after never runs away from
// what is too slow to follow, and never stands still.
//
// Other processes follow it through a file. All of them are on one machine, whose
// wall clock they share. It is safe for concurrent use.
type Lead struct {
	file string

	mu   sync.Mutex
	pace pace
}

// pace is how the time passes: it was At when the wall clock was Wall.
type pace struct {
	At    time.Time `json:"at"`
	Wall  time.Time `json:"wall"`
	Speed float64   `json:"speed"`
	Until time.Time `json:"until"`
}

func (p pace) show(wall time.Time) time.Time {
	passed := wall.Sub(p.Wall)
	if fast := p.At.Add(time.Duration(float64(passed) * p.Speed)); !fast.After(p.Until) {
		return fast
	}
	left := max(0, p.Until.Sub(p.At))
	return p.At.Add(left + passed - time.Duration(float64(left)/p.Speed))
}

// NewLead returns a lead that shows start now and is at its limit. Processes that
// [Follow] the file go along; empty: there is none.
func NewLead(start time.Time, speed float64, file string) (*Lead, error) {
	if speed < 1 {
		return nil, fmt.Errorf("clock: a speed of %g is slower than the wall clock", speed)
	}
	// Without the monotonic reading, which other processes do not share.
	l := &Lead{file: file, pace: pace{At: start.Round(0), Wall: time.Now().Round(0), Speed: speed, Until: start.Round(0)}}
	return l, l.write()
}

// Clock returns the clock that is led.
func (l *Lead) Clock() Clock { return Clock{lead: l} }

// Until lets the time hurry up to t. It never goes back.
func (l *Lead) Until(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wall := time.Now().Round(0)
	l.pace = pace{At: l.pace.show(wall), Wall: wall, Speed: l.pace.Speed, Until: t.Round(0)}
	return l.write()
}

func (l *Lead) now() (time.Time, float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace.show(time.Now()), l.pace.Speed
}

// write replaces the file as a whole.
func (l *Lead) write() error {
	if l.file == "" {
		return nil
	}
	data, err := json.Marshal(l.pace)
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	next := filepath.Join(filepath.Dir(l.file), "."+filepath.Base(l.file)+".next")
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return os.Rename(next, l.file)
}

// Follow returns the clock that the lead of file leads. What cannot be read later
// on is as if nothing new were written: the time passes no faster than the wall's.
func Follow(file string) (Clock, error) {
	f := &follower{file: file}
	if err := f.read(); err != nil {
		return Clock{}, fmt.Errorf("clock: %w", err)
	}
	if f.pace.Speed < 1 {
		return Clock{}, fmt.Errorf("clock: %s holds no simulated time", file)
	}
	return Clock{lead: f}, nil
}

// lookAgain is how old, in wall time, what was read of the file may be.
const lookAgain = 5 * time.Millisecond

type follower struct {
	file string

	mu     sync.Mutex
	pace   pace
	looked time.Time
	shown  time.Time
}

func (f *follower) now() (time.Time, float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wall := time.Now()
	if wall.Sub(f.looked) > lookAgain {
		_ = f.read()
	}
	if t := f.pace.show(wall); t.After(f.shown) {
		f.shown = t
	}
	return f.shown, f.pace.Speed
}

func (f *follower) read() error {
	f.looked = time.Now()
	data, err := os.ReadFile(f.file)
	if err != nil {
		return err
	}
	var p pace
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("%s holds no simulated time: %w", f.file, err)
	}
	f.pace = p
	return nil
}
