package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"unpark/clock"
	"unpark/connectors/genesys/api"
)

// ClientDeps is what a Client works with.
type ClientDeps struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Resolve returns the secret that a reference stands for.
	Resolve func(ref string) (string, error)
	// Transport sends the requests; nil: one that all clients share.
	Transport http.RoundTripper
	// Called is told the result of each call; nil: nobody.
	Called func(result string)
}

// Client calls one org's Genesys API, at its pace. It is safe for concurrent
// use. All its errors are *Error.
type Client struct {
	api   *api.Client
	pace  *pace
	names *names
	clock clock.Clock
}

// NewClient returns a client; nothing is called yet. The connection is valid.
func NewClient(conn Connection, d ClientDeps) *Client {
	base, login := conn.hosts()
	if d.Transport == nil {
		d.Transport = shared
	}
	c := &caller{
		http:  &http.Client{Transport: d.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		pace:  newPace(conn.rate(), d.Clock),
		clock: d.Clock, log: d.Log, called: d.Called,
	}
	if c.called == nil {
		c.called = func(string) {}
	}
	c.tokens = &tokens{
		send: c.sendToken, address: login, id: conn.ClientID, secret: conn.ClientSecret,
		resolve: d.Resolve, clock: d.Clock, lock: make(chan struct{}, 1),
	}
	// The address is valid and the options cannot fail.
	generated, _ := api.NewClient(base, api.WithHTTPClient(c))
	return &Client{api: generated, pace: c.pace, names: newNames(d.Clock), clock: d.Clock}
}

// budget is how long one look may take.
func (c *Client) budget() time.Duration {
	return checkBudget + c.clock.Wall(time.Duration(mostCalls*float64(time.Minute)/c.pace.most))
}

// sendToken asks for a token, which has a rate of its own.
func (c *caller) sendToken(req *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), attemptTimeout)
	defer cancel()
	resp, body, err := c.send(req.WithContext(ctx))
	if err != nil {
		e := asError(err)
		e.Call = tokenCall
		return nil, nil, e
	}
	return resp, body, nil
}

// decode reads the answer of a call.
func decode[T any](resp *http.Response, err error) (*T, error) {
	if err != nil {
		return nil, asError(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, asError(err)
	}
	var v *T
	if json.Unmarshal(body, &v) != nil || v == nil {
		// The decoder's error may quote the answer.
		return nil, &Error{Reason: ReasonBadAnswer, Call: resp.Request.Method + " " + resp.Request.URL.Path, CorrelationID: correlation(resp),
			Err: errors.New("the answer is not the JSON that was expected")}
	}
	return v, nil
}

// done reads the answer of a call that returns nothing.
func done(resp *http.Response, err error) error {
	if err != nil {
		return asError(err)
	}
	return resp.Body.Close()
}

// Conversation returns a conversation with all its participants.
func (c *Client) Conversation(ctx context.Context, id string) (*api.Conversation, error) {
	return decode[api.Conversation](c.api.GetConversation(ctx, id))
}

// Mails returns the e-mails of a conversation, without their texts.
func (c *Client) Mails(ctx context.Context, id string) ([]api.EmailMessage, error) {
	l, err := decode[api.EmailMessageListing](c.api.GetConversationsEmailMessages(ctx, id))
	if err != nil {
		return nil, err
	}
	return l.Entities, nil
}

// Details returns what analytics knows of a conversation.
func (c *Client) Details(ctx context.Context, id string) (*api.AnalyticsConversation, error) {
	return decode[api.AnalyticsConversation](c.api.GetAnalyticsConversationDetails(ctx, id))
}

// Replace transfers a participant's conversation to a queue. It is not repeated
// if it fails: whoever calls looks at the conversation first.
func (c *Client) Replace(ctx context.Context, media, id, participant, queue string) error {
	return done(c.api.PostConversationsParticipantReplace(ctx, media, id, participant,
		api.PostConversationsParticipantReplaceJSONRequestBody{QueueId: queue, TransferType: "Unattended"}))
}

// Disconnect ends a participant's part.
func (c *Client) Disconnect(ctx context.Context, media, id, participant string) error {
	return done(c.api.PatchConversationsParticipant(ctx, media, id, participant,
		api.PatchConversationsParticipantJSONRequestBody{State: stateDisconnected}))
}
