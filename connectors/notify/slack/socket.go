package slack

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"unpark/connectors/notify"
	"unpark/schemas"
)

// Sockets receives interactions through Socket Mode: one connection for each app
// whose token a destination refers to.
type Sockets struct {
	// Destinations returns those of all orgs, as they are now.
	Destinations func() []notify.SlackConfig
	Resolve      func(ref string) (string, error)
	Interact     Interact
	Log          *slog.Logger
	// Every is how often Destinations is looked at; default 5 s.
	Every time.Duration
}

// app is what one connection is for.
type app struct{ token, api string }

// Run connects until ctx ends. A connection that fails is tried again; it holds up
// no other.
func (s Sockets) Run(ctx context.Context) error {
	if s.Every == 0 {
		s.Every = 5 * time.Second
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	open := map[app]context.CancelFunc{}
	defer func() {
		for _, cancel := range open {
			cancel()
		}
	}()
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		s.follow(ctx, open, &wait)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// follow opens and closes connections until they are those that are wanted.
func (s Sockets) follow(ctx context.Context, open map[app]context.CancelFunc, wait *sync.WaitGroup) {
	wanted := map[app]bool{}
	for _, d := range s.Destinations() {
		if d.AppToken != "" {
			wanted[app{d.AppToken, address(d)}] = true
		}
	}
	for a, cancel := range open {
		if !wanted[a] {
			cancel()
			delete(open, a)
		}
	}
	for a := range wanted {
		if open[a] == nil {
			own, cancel := context.WithCancel(ctx)
			open[a] = cancel
			wait.Go(func() { s.keep(own, a) })
		}
	}
}

// keep holds a connection until ctx ends.
func (s Sockets) keep(ctx context.Context, a app) {
	for ctx.Err() == nil {
		if err := s.connect(ctx, a); ctx.Err() == nil {
			s.Log.Warn("slack socket mode is not connected", schemas.LogError, err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.Every):
		}
	}
}

// connect holds one connection. slack-go connects again by itself after a
// disconnect; it gives up on a token that is refused. Its log and its errors may
// hold the connection's address, which is a secret.
func (s Sockets) connect(ctx context.Context, a app) error {
	token, err := notify.Address(a.token, s.Resolve)
	if err != nil {
		return err
	}
	api := slackapi.New("", slackapi.OptionAppLevelToken(token), slackapi.OptionAPIURL(a.api))
	client := socketmode.New(api, socketmode.OptionLog(log.New(io.Discard, "", 0)), socketmode.OptionReadLimit(1<<20))
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() {
		cancel()
		<-ended
	}()
	go func() {
		defer close(ended)
		_ = client.RunContext(ctx)
	}()
	for {
		select {
		case event := <-client.Events:
			s.event(ctx, client, event)
		case <-ended:
			return errors.New("slack: the connection has ended")
		}
	}
}

// event hands on what a button asks for and then says that it has arrived; Slack
// shows the person a failure otherwise.
func (s Sockets) event(ctx context.Context, client *socketmode.Client, event socketmode.Event) {
	if event.Type == socketmode.EventTypeConnectionError {
		s.Log.Warn("slack socket mode is not connected", schemas.LogError, "no connection; it is tried again")
		return
	}
	c, ok := event.Data.(slackapi.InteractionCallback)
	if !ok || event.Request == nil {
		return
	}
	for _, i := range interactions(c) {
		if err := s.Interact(ctx, i); err != nil {
			s.Log.Warn("slack interaction not taken", schemas.LogError, err.Error(), schemas.LogConversation, i.Conversation)
			return
		}
	}
	if err := client.AckCtx(ctx, event.Request.EnvelopeID, nil); err != nil {
		s.Log.Warn("slack interaction taken, but Slack does not know", schemas.LogError, "the connection was lost")
	}
}
