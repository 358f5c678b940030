package notifytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func payload(t *testing.T, d Destination) {
	var got strings.Builder
	n, _ := serve(t, d, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Del("Accept-Encoding")
		fmt.Fprintf(&got, "%s\n", r.Method)
		for _, k := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&got, "%s: %s\n", k, r.Header.Get(k))
		}
		fmt.Fprintf(&got, "\n%s\n", body)
		io.WriteString(w, d.Taken)
	})
	if err := send(t, n); err != nil {
		t.Fatal(err)
	}
	golden(t, got.String())
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

func timeout(t *testing.T, d Destination) {
	n, _ := serve(t, d, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := n.Notify(ctx, Message(t))
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
	for _, address := range []string{"", secret, "://" + secret, "ftp://" + secret + "/", "https:///" + secret, "http://a b/" + secret, "https://%zz" + secret} {
		err := send(t, build(d, address, http.DefaultClient))
		want(t, err, true, 0)
	}
	n := d.New(func(string) (string, error) { return "", errors.New("no " + secret) }, http.DefaultClient)
	want(t, send(t, n), false, 0)
}
