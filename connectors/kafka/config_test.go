package kafka

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidate(t *testing.T) {
	brokers := []string{"b1:9093"}
	login := SASL{Mechanism: Scram512, Username: "unpark", Password: "env:UNPARK_PW"}
	const reference = "secrets are given by reference: write env:UNPARK_NAME or file:NAME (a file under secrets_dir)"
	for _, tt := range []struct {
		name string
		c    Config
		want []string
	}{
		{"embedded", Config{}, nil},
		{"plain", Config{Brokers: brokers}, nil},
		{"scram", Config{Brokers: brokers, TLS: &TLS{CA: "file:ca.pem"}, SASL: &login}, nil},
		{"client certificate", Config{Brokers: brokers, TLS: &TLS{Cert: "file:tls.crt", Key: "file:tls.key"}}, nil},
		{"token", Config{Brokers: brokers, SASL: &SASL{Mechanism: OAuthBearer, Token: "file:token"}}, nil},
		{"token url", Config{Brokers: brokers, SASL: &SASL{Mechanism: OAuthBearer, TokenURL: "https://login.example/token", ClientID: "unpark", ClientSecret: "file:s"}}, nil},
		{"token url on this machine", Config{Brokers: brokers, SASL: &SASL{Mechanism: OAuthBearer, TokenURL: "http://[::1]:80/token", ClientID: "unpark", ClientSecret: "file:s"}}, nil},
		{"msk", Config{Brokers: brokers, TLS: &TLS{}, SASL: &SASL{Mechanism: MSKIAM, Region: "eu-west-1"}}, nil},
		{"bad brokers", Config{Brokers: []string{"b1", ":9092", "b1:", "b1:kafka", "b1:99999", "b1:0"}}, []string{
			`brokers[0]: "b1" is no broker; write host:port`,
			`brokers[1]: ":9092" is no broker; write host:port`,
			`brokers[2]: "b1:" is no broker; write host:port`,
			`brokers[3]: "b1:kafka" is no broker; write host:port`,
			`brokers[4]: "b1:99999" is no broker; write host:port`,
			`brokers[5]: "b1:0" is no broker; write host:port`,
		}},
		{"no brokers", Config{TLS: &TLS{}}, []string{"brokers: missing; write [host:port, ...]"}},
		{"half a certificate", Config{Brokers: brokers, TLS: &TLS{Cert: "file:tls.crt", CA: "/etc/ca.pem"}}, []string{
			"tls.ca: " + reference, "tls: cert and key go together; write both or neither",
		}},
		{"plain password", Config{Brokers: brokers, SASL: &SASL{Mechanism: Plain, Username: "env:HOME", Password: "hunter2"}}, []string{
			"sasl.password: " + reference,
			"sasl.username: env:HOME: only environment variables that begin with UNPARK_ can be referred to",
		}},
		{"no password", Config{Brokers: brokers, SASL: &SASL{Mechanism: Plain, Token: "file:token"}}, []string{
			"sasl.username: missing; PLAIN needs it", "sasl.password: missing; PLAIN needs it",
			"sasl.token: has no place with this kind of PLAIN; remove it",
		}},
		{"no mechanism", Config{Brokers: brokers, SASL: &SASL{}}, []string{
			`sasl.mechanism: "" is no mechanism; write PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM`,
		}},
		{"no token", Config{Brokers: brokers, SASL: &SASL{Mechanism: OAuthBearer}}, []string{
			"sasl: OAUTHBEARER needs a token; write token: file:NAME, or token_url, client_id and client_secret",
		}},
		{"open token url", Config{Brokers: brokers, SASL: &SASL{Mechanism: OAuthBearer, TokenURL: "http://login.example/token", ClientID: "unpark"}}, []string{
			"sasl.client_secret: missing; OAUTHBEARER needs it", "sasl.token_url: is no https address",
		}},
		{"msk in the open", Config{Brokers: brokers, SASL: &SASL{Mechanism: MSKIAM, Username: "u"}}, []string{
			"sasl.username: has no place with this kind of AWS_MSK_IAM; remove it",
			"tls: missing; AWS_MSK_IAM works with TLS only, write tls: on",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			var ps Problems
			if err := tt.c.Validate(); errors.As(err, &ps) {
				for _, p := range ps {
					got = append(got, p.String())
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLayoutValidate(t *testing.T) {
	if err := DefaultLayout().Validate(); err != nil {
		t.Error(err)
	}
	err := Layout{Prefix: "a b", Partitions: 0, Replication: -1}.Validate()
	want := `prefix: "a b": Kafka allows letters, digits, dot, underscore and hyphen, at most 200 of them here; ` +
		"partitions: 0: write at least 1; replication: -1: write at least 1"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
