package orgconfig

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"unpark/schemas"
)

// versions is the content of the topic up to position.
type versions struct {
	mu       sync.Mutex
	content  map[schemas.OrgConfigKey]entry
	last     map[orgPart]schemas.OrgConfigKey
	position int64
	stopped  error         // why nothing more will come
	changed  chan struct{} // closed when position or stopped changes
}

type entry struct {
	json    []byte
	offset  int64
	written time.Time
}

type orgPart struct{ org, part string }

func newVersions() *versions {
	return &versions{
		content: make(map[schemas.OrgConfigKey]entry),
		last:    make(map[orgPart]schemas.OrgConfigKey),
		changed: make(chan struct{}),
	}
}

func (v *versions) put(key schemas.OrgConfigKey, e entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	// A copy, or one small version would keep its whole fetch in memory.
	e.json = bytes.Clone(e.json)
	v.content[key] = e
	v.last[orgPart{key.Org, key.Part}] = key
}

func (v *versions) remove(key schemas.OrgConfigKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.content, key)
	of := orgPart{key.Org, key.Part}
	if v.last[of] != key {
		return
	}
	delete(v.last, of)
	for k, e := range v.content {
		if (orgPart{k.Org, k.Part}) == of && e.offset >= v.content[v.last[of]].offset {
			v.last[of] = k
		}
	}
}

func (v *versions) get(key schemas.OrgConfigKey) ([]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.content[key]
	return e.json, ok
}

func (v *versions) written(key schemas.OrgConfigKey) (time.Time, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.content[key]
	return e.written, ok
}

func (v *versions) newest(org, part string) (json []byte, version string, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, ok := v.last[orgPart{org, part}]
	return v.content[key].json, key.Version, ok
}

func (v *versions) orgs(part string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var ids []string
	for of := range v.last {
		if of.part == part {
			ids = append(ids, of.org)
		}
	}
	slices.Sort(ids)
	return ids
}

// advance says that everything before position has been taken.
func (v *versions) advance(position int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.position = position
	v.tell()
}

// stop ends all waiting, for what is not there now will not come.
func (v *versions) stop(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stopped = errNotFollowed
	if err != nil {
		v.stopped = err
	}
	v.tell()
}

var errNotFollowed = errors.New("the topic is no longer followed")

func (v *versions) tell() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// wait returns when position has been reached.
func (v *versions) wait(ctx context.Context, position int64) error {
	for {
		v.mu.Lock()
		at, stopped, changed := v.position, v.stopped, v.changed
		v.mu.Unlock()
		switch {
		case at >= position:
			return nil
		case stopped != nil:
			return stopped
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
