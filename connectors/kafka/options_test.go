package kafka

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// vault resolves references as the test has them; what it has not is missing.
type vault map[string]string

func (v vault) resolve(ref string) (string, error) {
	if s, ok := v[ref]; ok {
		return s, nil
	}
	return "", fmt.Errorf("%s: not there", ref)
}

func cluster(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

func TestOptionsLogin(t *testing.T) {
	v := vault{"file:pw": "hunter2", "file:wrong": "hunter3", "env:UNPARK_USER": "unpark"}
	for _, mechanism := range []string{Plain, Scram256, Scram512} {
		broker := cluster(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "unpark", "hunter2"))
		check := func(user, password string) error {
			opts, err := Options(testContext(t), Config{
				Brokers: []string{broker}, SASL: &SASL{Mechanism: mechanism, Username: user, Password: password},
			}, v.resolve)
			if err != nil {
				return err
			}
			return CheckBrokers(testContext(t), opts)
		}
		if err := check("unpark", "file:pw"); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		if err := check("env:UNPARK_USER", "file:pw"); err != nil {
			t.Errorf("%s, user by reference: %v", mechanism, err)
		}
		if err := check("unpark", "file:wrong"); err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s, wrong password: %v", mechanism, err)
		}
		if err := check("unpark", "file:none"); err == nil || !strings.Contains(err.Error(), "kafka: sasl: file:none: not there") {
			t.Errorf("%s, no password: %v", mechanism, err)
		}
	}
}

func TestOptionsTLS(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	v := vault{"file:ca.pem": ca, "file:empty": "x"}
	broker := cluster(t, kfake.TLS(tlsServer(t)))
	for ref, want := range map[string]string{
		"file:ca.pem": "",
		"file:empty":  "kafka: tls: file:empty holds no certificate in PEM",
		"file:none":   "kafka: tls: file:none: not there",
		"":            "unknown authority",
	} {
		opts, err := Options(testContext(t), Config{Brokers: []string{broker}, TLS: &TLS{CA: ref}}, v.resolve)
		if err == nil {
			err = CheckBrokers(testContext(t), opts)
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("ca %q: %v, want %q", ref, err, want)
		}
	}
	_, err := Options(testContext(t), Config{Brokers: []string{broker}, TLS: &TLS{Cert: "file:ca.pem", Key: "file:empty"}}, v.resolve)
	if err == nil || !strings.Contains(err.Error(), "kafka: tls: file:ca.pem with file:empty: ") {
		t.Errorf("a key that is none: %v", err)
	}
}

func TestTokenSource(t *testing.T) {
	asked, answer, status := 0, `{"access_token":"t1","expires_in":3600}`, http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, ok := r.BasicAuth()
		if !ok || id != "unpark" || secret != "s%2B%3A" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka" {
			t.Errorf("asked with %q, %q, %v", id, secret, r.Form)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer s.Close()
	v := vault{"file:s": "s+:"}
	c := SASL{Mechanism: OAuthBearer, TokenURL: s.URL + "/token", ClientID: "unpark", ClientSecret: "file:s", Scope: "kafka"}
	source := newTokenSource(c, v.resolve)
	for range 2 {
		if a, err := source.auth(testContext(t)); err != nil || a.Token != "t1" {
			t.Errorf("%q, %v", a.Token, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times for a token that is good for an hour", asked)
	}
	for _, tt := range []struct {
		status      int
		answer, err string
	}{
		{401, `{"error":"invalid_client"}`, "401 Unauthorized invalid_client"},
		{200, `{}`, "holds no access_token"},
		{200, `<html>`, "is not JSON"},
		{302, ``, "302 Found"},
	} {
		status, answer = tt.status, tt.answer
		_, err := Options(testContext(t), Config{Brokers: []string{"b1:9092"}, SASL: &c}, v.resolve)
		if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), s.URL) {
			t.Errorf("%d %s: %v, want %q", tt.status, tt.answer, err, tt.err)
		}
	}
	status, answer = 200, `{"access_token":"t2"}`
	if _, err := Options(testContext(t), Config{Brokers: []string{"b1:9092"}, SASL: &c}, v.resolve); err != nil {
		t.Error(err)
	}
}

// A token that is to be renewed is good until it expires, should the server be out.
func TestTokenOutlivesServer(t *testing.T) {
	var out atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if out.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, `{"access_token":"t1","expires_in":3600}`)
	}))
	defer s.Close()
	c := SASL{Mechanism: OAuthBearer, TokenURL: s.URL, ClientID: "unpark", ClientSecret: "file:s"}
	source := newTokenSource(c, vault{"file:s": "s"}.resolve)
	if _, err := source.auth(testContext(t)); err != nil {
		t.Fatal(err)
	}
	out.Store(true)
	source.renewAt = time.Now()
	if a, err := source.auth(testContext(t)); err != nil || a.Token != "t1" {
		t.Errorf("%q, %v; want the old token", a.Token, err)
	}
	source.expiresAt = time.Now()
	if a, err := source.auth(testContext(t)); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("%q, %v; want an error for an expired token", a.Token, err)
	}
}

// The credentials of the host, here of its environment.
func TestOptionsMSK(t *testing.T) {
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none",
	} {
		t.Setenv(k, v)
	}
	c := Config{Brokers: []string{"b-1.example:9098"}, TLS: &TLS{}, SASL: &SASL{Mechanism: MSKIAM, Region: "eu-west-1"}}
	if _, err := Options(testContext(t), c, vault{}.resolve); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if _, err := Options(testContext(t), c, vault{}.resolve); err == nil || !strings.Contains(err.Error(), "kafka: sasl: AWS credentials: ") {
		t.Errorf("without credentials: %v", err)
	}
}
