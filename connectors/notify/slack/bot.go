package slack

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	slackapi "github.com/slack-go/slack"

	"unpark/connectors/notify"
	"unpark/connectors/notify/text"
)

// Bot posts to one channel and changes what it has posted.
type Bot struct {
	config  notify.SlackConfig
	resolve func(ref string) (string, error)
	client  *http.Client
}

// NewBot returns a Notifier for the bot and channel of c. The token is resolved for
// every message, so that a rotated one needs no restart.
func NewBot(c notify.SlackConfig, resolve func(ref string) (string, error), client *http.Client) *Bot {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Bot{config: c, resolve: resolve, client: &own}
}

// Capabilities implements notify.Notifier.
func (*Bot) Capabilities() notify.Capabilities {
	return notify.Capabilities{
		Kinds:  notify.KindsOf(notify.Clear, notify.Retract, notify.Acknowledge, notify.Snooze, notify.Remind, notify.Digest),
		Update: true, Every: perMessage, Burst: 1,
	}
}

// Notify implements notify.Notifier. References are channel/ts, or channel/ts/parent
// for a message in the thread of its parent.
func (b *Bot) Notify(ctx context.Context, m notify.Message) (notify.Reference, error) {
	token, err := notify.Address(b.config.BotToken, b.resolve)
	if err != nil {
		return "", err
	}
	return b.session(token).tell(ctx, m)
}

// session is one message with its token.
type session struct {
	*Bot
	api     *slackapi.Client
	witness *witness
}

func (b *Bot) session(token string) session {
	w := &witness{next: b.client.Transport}
	own := *b.client
	own.Transport = w
	return session{b, slackapi.New(token, slackapi.OptionHTTPClient(&own), slackapi.OptionAPIURL(address(b.config))), w}
}

func (s session) tell(ctx context.Context, m notify.Message) (notify.Reference, error) {
	if m.Reference == "" || m.Kind == notify.Alert {
		return s.post(ctx, m)
	}
	switch m.Kind {
	case notify.Remind:
		return m.Reference, s.reply(ctx, m, true)
	case notify.Acknowledge, notify.Snooze:
		// The change can be repeated, the line in the thread cannot: so it comes last.
		if err := s.update(ctx, m); err != nil && !gone(err) {
			return "", err
		}
		return m.Reference, s.reply(ctx, m, false)
	}
	err := s.update(ctx, m)
	if gone(err) {
		return s.post(ctx, m)
	}
	return m.Reference, err
}

// address is the API's, which slack-go wants with a slash at its end.
func address(c notify.SlackConfig) string {
	return strings.TrimSuffix(cmp.Or(c.API, slackapi.APIURL), "/") + "/"
}

// answered: pressed buttons have a way back.
func (b *Bot) answered() bool { return b.config.AppToken != "" || b.config.SigningSecret != "" }

// post tells something new: in the channel, or in the thread of its conversation
// and from there in the channel too, or nobody would see that a warning has become a
// breach.
func (s session) post(ctx context.Context, m notify.Message) (notify.Reference, error) {
	t := notify.Standing(m)
	options := append(shown(t), slackapi.MsgOptionBlocks(blocks(t, buttons(m, t, s.answered())...)...))
	if parent := threadOf(m.Thread); parent != "" {
		ref, err := s.send(ctx, append(options, inThread(parent, true))...)
		switch {
		case err == nil:
			return ref + notify.Reference("/"+parent), nil
		case !threadGone(err):
			return "", err
		}
	}
	return s.send(ctx, options...)
}

// reply adds a line to the thread of the alert.
func (s session) reply(ctx context.Context, m notify.Message, loud bool) error {
	t := notify.Render(m)
	t.Facts, t.Advice, t.Notes = nil, "", nil
	options := append(shown(t), slackapi.MsgOptionBlocks(blocks(t)...))
	_, err := s.send(ctx, append(options, inThread(threadOf(m.Reference), loud))...)
	if threadGone(err) {
		_, err = s.send(ctx, options...)
	}
	return err
}

func (s session) send(ctx context.Context, options ...slackapi.MsgOption) (notify.Reference, error) {
	channel, ts, err := s.api.PostMessageContext(ctx, s.config.Channel, options...)
	if err != nil {
		return "", s.witness.classify(err)
	}
	if channel == "" || ts == "" {
		return "", notify.Retryable("unexpected_answer", errors.New("slack: answered 200 without channel and ts"))
	}
	return notify.Reference(channel + "/" + ts), nil
}

// update changes the alert's message into what it says now.
func (s session) update(ctx context.Context, m notify.Message) error {
	parts := strings.Split(string(m.Reference), "/")
	if len(parts) < 2 {
		return notify.Permanent("message_not_found", errors.New("slack: the reference names no message"))
	}
	t := notify.Standing(m)
	options := append(shown(t), slackapi.MsgOptionBlocks(blocks(t, buttons(m, t, s.answered())...)...))
	if _, _, _, err := s.api.UpdateMessageContext(ctx, parts[0], parts[1], options...); err != nil {
		return s.witness.classify(err)
	}
	return nil
}

// shown are the options of every message: nothing in it is parsed or unfurled.
func shown(t text.Text) []slackapi.MsgOption {
	return []slackapi.MsgOption{
		slackapi.MsgOptionText(fallback(t), false), slackapi.MsgOptionDisableMarkdown(),
		slackapi.MsgOptionDisableLinkUnfurl(), slackapi.MsgOptionDisableMediaUnfurl(),
	}
}

// threadOf is the thread that a message began, or in which it is.
func threadOf(r notify.Reference) string {
	parts := strings.Split(string(r), "/")
	return parts[len(parts)-1]
}

// inThread puts a message into a thread; loud shows it in the channel as well.
func inThread(thread string, loud bool) slackapi.MsgOption {
	if loud {
		return slackapi.MsgOptionCompose(slackapi.MsgOptionTS(thread), slackapi.MsgOptionBroadcast())
	}
	return slackapi.MsgOptionTS(thread)
}
