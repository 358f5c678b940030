package notifytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"unpark/connectors/notify"
)

func payload(t *testing.T, d Destination) {
	var got strings.Builder
	n, _ := serve(t, d, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Del("Accept-Encoding")
		for _, name := range d.Volatile {
			if r.Header.Get(name) != "" {
				r.Header.Set(name, "...")
			}
		}
		fmt.Fprintf(&got, "%s\n", r.Method)
		for _, k := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&got, "%s: %s\n", k, r.Header.Get(k))
		}
		fmt.Fprintf(&got, "\n%s\n", readable(r.Header.Get("Content-Type"), body))
		io.WriteString(w, d.Taken)
	})
	if err := send(t, n); err != nil {
		t.Fatal(err)
	}
	golden(t, got.String())
}

// readable is a form one field a line, anything else as it is.
func readable(contentType string, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil || contentType != "application/x-www-form-urlencoded" {
		return string(body)
	}
	var lines strings.Builder
	for _, k := range slices.Sorted(maps.Keys(form)) {
		fmt.Fprintf(&lines, "%s: %s\n", k, form.Get(k))
	}
	return lines.String()
}

// kinds tells an alert and whatever else the destination says it tells; each must
// reach it, and leave a reference that fits into the ledger and tells no secret.
func kinds(t *testing.T, d Destination) {
	requests := 0
	n, _ := serve(t, d, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		io.WriteString(w, d.Taken)
	})
	first, _ := tell(t, n, Message(t))
	can := n.Capabilities()
	if can.Update && first == "" {
		t.Error("a destination that updates gave no reference")
	}
	if can.Every > 0 && can.Burst < 1 {
		t.Errorf("one message every %s, and a burst of %d", can.Every, can.Burst)
	}
	told := 1
	for _, kind := range []notify.Kind{notify.Acknowledge, notify.Snooze, notify.Remind, notify.Clear, notify.Retract} {
		if can.Kinds.Has(kind) {
			tell(t, n, Become(t, Message(t), kind, first))
			told++
		}
	}
	if can.Kinds.Has(notify.Digest) {
		m := Digest()
		m.Reference, _ = tell(t, n, m)
		told++
		if can.Update {
			tell(t, n, m)
			told++
		}
	}
	if requests < told {
		t.Errorf("%d requests for %d messages", requests, told)
	}
}

// tell sends a message that must be taken.
func tell(t *testing.T, n notify.Notifier, m notify.Message) (notify.Reference, error) {
	t.Helper()
	ref, err := n.Notify(t.Context(), m)
	if err != nil {
		t.Errorf("%s: %v", m.Kind, err)
	}
	if len(ref) > 1024 || strings.Contains(string(ref), secret) {
		t.Errorf("%s: reference %q is too long or tells the secret", m.Kind, ref)
	}
	return ref, err
}

func answers(t *testing.T, d Destination) {
	date := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status     int
		retryAfter string
		permanent  bool
		want       time.Duration
	}{
		{status: 400, permanent: true},
		{status: 401, permanent: true},
		{status: 403, permanent: true},
		{status: 404, permanent: true},
		{status: 408},
		{status: 410, permanent: true},
		{status: 429},
		{status: 429, retryAfter: "30", want: 30 * time.Second},
		{status: 429, retryAfter: date.Add(time.Minute).Format(http.TimeFormat), want: time.Minute},
		{status: 429, retryAfter: date.Add(-time.Minute).Format(http.TimeFormat)},
		{status: 429, retryAfter: "soon"},
		{status: 429, retryAfter: "-5"},
		{status: 500},
		{status: 502},
		{status: 503, retryAfter: "120", want: 2 * time.Minute},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.retryAfter), func(t *testing.T) {
			n, _ := serve(t, d, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", date.Format(http.TimeFormat))
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, "no: /services/"+secret)
			})
			want(t, send(t, n), c.permanent, c.want)
		})
	}
}

// cut: a message that was taken is not told again because the rest of the answer does not
// come; where the answer's body has to say so, it has to say it whole.
func cut(t *testing.T, d Destination) {
	body := d.Taken
	n, _ := serve(t, d, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, body)
	})
	if err := send(t, n); err != nil {
		t.Errorf("taken, and not: %v", err)
	}
	if d.Taken != "" {
		body = d.Taken[:len(d.Taken)/2]
		want(t, send(t, n), false, 0)
	}
}

// endless is cut for an answer that does not end before the attempt does.
func endless(t *testing.T, d Destination) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		behind := "https://there.example/" + secret
		if d.Token {
			behind = secret
		}
		n := build(d, "https://there.example", behind, &http.Client{Transport: stuck(d.Taken)})
		_, err := n.Notify(ctx, Message(t))
		if silent(t, err); err != nil {
			t.Errorf("taken, and not: %v", err)
		}
	})
}

// stuck answers 200 with a body that stops without an end.
type stuck string

// RoundTrip implements http.RoundTripper.
func (s stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.NopCloser(io.MultiReader(strings.NewReader(string(s)), never{r.Context()}))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: r}, nil
}

type never struct{ ctx context.Context }

// Read implements io.Reader.
func (n never) Read([]byte) (int, error) {
	<-n.ctx.Done()
	return 0, n.ctx.Err()
}

func timeout(t *testing.T, d Destination) {
	n, _ := serve(t, d, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := n.Notify(ctx, Message(t))
	silent(t, err)
	if e := want(t, err, false, 0); e.Reason != "timeout" {
		t.Errorf("got reason %s, want timeout", e.Reason)
	}
}

func unreachable(t *testing.T, d Destination) {
	n, s := serve(t, d, func(http.ResponseWriter, *http.Request) {})
	s.Close()
	want(t, send(t, n), false, 0)
}

// redirect: the record and its path must not reach another host, nor become a
// GET that would be taken for a delivery.
func redirect(t *testing.T, d Destination) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s reached another host", r.Method)
		io.WriteString(w, d.Taken)
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		n, _ := serve(t, d, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				t.Errorf("followed as %s", r.Method)
			}
			w.Header().Set("Location", other.URL+"/"+secret)
			w.WriteHeader(status)
		})
		want(t, send(t, n), true, 0)
	}
}

func badSecret(t *testing.T, d Destination) {
	if !d.Token {
		for _, address := range []string{"", secret, "://" + secret, "ftp://" + secret + "/", "https:///" + secret, "http://a b/" + secret, "https://%zz" + secret} {
			want(t, send(t, build(d, "", address, http.DefaultClient)), true, 0)
		}
	}
	n := d.New(Target{Client: http.DefaultClient, Resolve: func(string) (string, error) { return "", errors.New("no " + secret) }})
	want(t, send(t, n), false, 0)
}
