package genesys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"unpark/clock"
	"unpark/processor/calendar"
	"unpark/schemas"
)

const (
	// syncEvery is how often an org's schedule groups are read.
	syncEvery = 15 * time.Minute
	// syncRetry is when they are read again if that failed.
	syncRetry = time.Minute
	// syncLook is how often it is looked which orgs are to be read.
	syncLook = 5 * time.Second
	// syncWithin bounds one reading, on the wall. At 300 calls a minute one of 1,200
	// schedules takes 4 minutes while nobody else calls, and 46 where it gets a tenth.
	syncWithin = time.Hour
)

// Schedules is where the content of schedule groups is published.
type Schedules interface {
	// NewestSchedules returns the version written last.
	NewestSchedules(org string) (json []byte, version string, ok bool)
	// PublishSchedules puts content in force, and says so again if it is. It is
	// repeated until it succeeds.
	PublishSchedules(ctx context.Context, org string, content []byte) (version string, err error)
}

// syncer keeps the content of schedule groups as Genesys has it. Two of them do no
// harm: versions are named by their content, and activating what is active changes
// nothing.
type syncer struct {
	clock     clock.Clock
	log       *slog.Logger
	metrics   *metrics
	configs   Configs
	schedules Schedules
	// mine says whether the org is this process's to ask about.
	mine func(org string) bool
	// client returns what the org's newest rules say, and a client of their
	// connection; nil if there is none.
	client func(org string) (settings, *Client)

	mu   sync.Mutex
	orgs map[string]*synced
	work sync.WaitGroup
}

// synced is where the sync of one org stands.
type synced struct {
	groups    []string // read last
	next      time.Time
	busy      bool
	confirmed string // version that this process has put in force
	failing   bool
	said      []GroupProblem
}

// run syncs what is due, until ctx ends.
func (s *syncer) run(ctx context.Context) {
	defer s.work.Wait()
	for {
		orgs := s.configs.Orgs()
		for _, org := range orgs {
			s.look(ctx, org)
		}
		s.forget(func(org string) bool { return !slices.Contains(orgs, org) })
		if sleep(ctx, s.clock, syncLook) != nil {
			return
		}
	}
}

// look begins to sync an org if that is due: after syncEvery, as soon as its rules
// name other groups, and as soon as it is this process's.
func (s *syncer) look(ctx context.Context, org string) {
	var groups []string
	var client *Client
	if s.mine(org) {
		var set settings
		set, client = s.client(org)
		groups = set.groups()
	}
	if client == nil || len(groups) == 0 {
		s.forget(func(other string) bool { return other == org })
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.orgs[org]
	if st == nil {
		st = &synced{}
		s.orgs[org] = st
	}
	if st.busy || slices.Equal(groups, st.groups) && s.clock.Now().Before(st.next) {
		return
	}
	st.busy, st.groups = true, groups
	s.work.Go(func() { s.sync(ctx, org, st, groups, client) })
}

// forget lets go of orgs that are not synced here any more.
func (s *syncer) forget(gone func(org string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for org, st := range s.orgs {
		if gone(org) && !st.busy {
			delete(s.orgs, org)
			s.metrics.groups.DeleteLabelValues(org)
			s.metrics.synced.DeleteLabelValues(org)
		}
	}
}

func (s *syncer) sync(ctx context.Context, org string, st *synced, groups []string, client *Client) {
	ctx, cancel := context.WithTimeout(ctx, syncWithin)
	defer cancel()
	log := s.log.With(schemas.LogOrg, org)
	result, problems, err := s.once(ctx, org, st, groups, client)
	s.mu.Lock()
	defer s.mu.Unlock()
	st.busy = false
	if err != nil {
		st.next = s.clock.Now().Add(syncRetry)
		if ctx.Err() == context.Canceled {
			return // given up, not failed
		}
		s.metrics.syncs.WithLabelValues(org, "failed").Inc()
		if !st.failing {
			log.Error("schedule groups cannot be synced; the last content stays, and it is tried again", schemas.LogError, err)
		}
		st.failing = true
		return
	}
	st.next, st.failing = s.clock.Now().Add(syncEvery), false
	s.metrics.syncs.WithLabelValues(org, result).Inc()
	s.metrics.synced.WithLabelValues(org).Set(float64(s.clock.Now().UnixMilli()) / 1000)
	s.say(org, log, st, problems)
}

// say tells what cannot be taken over, once for as long as it lasts.
func (s *syncer) say(org string, log *slog.Logger, st *synced, problems []GroupProblem) {
	bad := make(map[string]bool)
	for _, p := range problems {
		bad[p.Group] = true
		if slices.Contains(st.said, p) {
			continue
		}
		what := "a schedule group is taken over in part"
		switch {
		case p.Kept:
			what = "a schedule group is not taken over; its last good content stays"
		case p.Lost:
			what = "a schedule group is not taken over; calendars that name it count as always"
		}
		log.Error(what, schemas.LogGroup, p.Group, schemas.LogReason, p.Text)
	}
	if len(problems) == 0 && len(st.said) > 0 {
		log.Info("all schedule groups are taken over again")
	}
	st.said = problems
	s.metrics.groups.WithLabelValues(org).Set(float64(len(bad)))
}

// once reads the groups and puts what they say in force, if that is new or this
// process cannot know that it is.
func (s *syncer) once(ctx context.Context, org string, st *synced, groups []string, client *Client) (result string, problems []GroupProblem, err error) {
	content, version, ok := s.schedules.NewestSchedules(org)
	var last calendar.Groups
	if ok {
		if last, err = calendar.ParseGroups(content); err != nil {
			last = nil // written by somebody else; replaced
		}
	}
	patient := ctx
	if !slices.ContainsFunc(groups, func(id string) bool { _, known := last[id]; return !known }) {
		patient = withSomePatience(ctx) // no calendar counts as always meanwhile
	}
	next, problems, err := client.ReadGroups(patient, groups, last)
	if err != nil {
		return "", problems, err
	}
	if _, now, _ := s.schedules.NewestSchedules(org); now != version || !s.mine(org) {
		return "", problems, errors.New("somebody else has published schedules, or is to, since the reading began")
	}
	data, err := next.JSON()
	if err != nil {
		return "", problems, err
	}
	read := schemas.ContentVersion(data)
	if len(next) == 0 && !ok || read == version && st.confirmed == version {
		return "unchanged", problems, nil
	}
	if st.confirmed, err = s.schedules.PublishSchedules(ctx, org, data); err != nil {
		st.confirmed = ""
		return "", problems, fmt.Errorf("publish schedules: %w", err)
	}
	if read == version {
		return "unchanged", problems, nil
	}
	s.log.Info("schedules have changed", schemas.LogOrg, org, schemas.LogVersion, read, schemas.LogCount, len(next))
	return "changed", problems, nil
}
