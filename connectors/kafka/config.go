package kafka

import (
	"net"
	"net/url"
	"strconv"

	"unpark/secrets"
)

// Config says how the brokers are reached: `kafka` in unpark.yaml. Without
// brokers the embedded one is used.
type Config struct {
	Brokers []string `yaml:"brokers"`
	// TLS is used if it is there, also when empty; `tls: on` is the same.
	TLS  *TLS  `yaml:"tls"`
	SASL *SASL `yaml:"sasl"`
}

// TLS holds references to PEM files.
type TLS struct {
	// CA replaces the system's roots.
	CA string `yaml:"ca"`
	// Cert and Key are the client's, for brokers that ask for one.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// SASL says who unpark is to the brokers.
type SASL struct {
	Mechanism string `yaml:"mechanism"`
	// Username of PLAIN and SCRAM; as it stands or a reference.
	Username string `yaml:"username"`
	// Password is a reference.
	Password string `yaml:"password"`
	// Token of OAUTHBEARER, a reference, read anew for each connection.
	Token string `yaml:"token"`
	// TokenURL gives such tokens to clients (RFC 6749 section 4.4).
	TokenURL string `yaml:"token_url"`
	// ClientID is as it stands or a reference, ClientSecret a reference.
	ClientID     string `yaml:"client_id"`
	ClientSecret string `yaml:"client_secret"`
	Scope        string `yaml:"scope"`
	// Region in which AWS credentials are looked up; the one they sign for is in
	// the brokers' names.
	Region string `yaml:"region"`
}

// SASL mechanisms.
const (
	Plain       = "PLAIN"
	Scram256    = "SCRAM-SHA-256"
	Scram512    = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
	MSKIAM      = "AWS_MSK_IAM"
)

// Embedded says that no brokers are configured.
func (c Config) Embedded() bool { return len(c.Brokers) == 0 }

// Validate returns what is wrong with the configuration, as a Problems.
func (c Config) Validate() error {
	var ps Problems
	for i, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || !IsPort(port) {
			ps.add(index("brokers", i), "%q is no broker; write host:port", b)
		}
	}
	if c.Embedded() && (c.TLS != nil || c.SASL != nil) {
		ps.add("brokers", "missing; write [host:port, ...]")
	}
	if c.TLS != nil {
		c.TLS.validate(&ps)
	}
	if c.SASL != nil {
		c.SASL.validate(&ps)
		if c.SASL.Mechanism == MSKIAM && c.TLS == nil {
			ps.add("tls", "missing; %s works with TLS only, write tls: on", MSKIAM)
		}
	}
	return ps.err()
}

// IsPort reports whether a port is a number that can be connected to.
func IsPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func (t TLS) validate(ps *Problems) {
	checkSecret(ps, "tls.ca", t.CA)
	checkSecret(ps, "tls.cert", t.Cert)
	checkSecret(ps, "tls.key", t.Key)
	if (t.Cert == "") != (t.Key == "") {
		ps.add("tls", "cert and key go together; write both or neither")
	}
}

func (s SASL) validate(ps *Problems) {
	checkSecret(ps, "sasl.password", s.Password)
	checkSecret(ps, "sasl.token", s.Token)
	checkSecret(ps, "sasl.client_secret", s.ClientSecret)
	checkName(ps, "sasl.username", s.Username)
	checkName(ps, "sasl.client_id", s.ClientID)
	switch s.Mechanism {
	case Plain, Scram256, Scram512:
		s.need(ps, "username", "password")
		s.refuse(ps, "token", "token_url", "client_id", "client_secret", "scope", "region")
	case OAuthBearer:
		s.validateOAuth(ps)
	case MSKIAM:
		s.refuse(ps, "username", "password", "token", "token_url", "client_id", "client_secret", "scope")
	default:
		ps.add("sasl.mechanism", "%q is no mechanism; write %s, %s, %s, %s or %s", s.Mechanism, Plain, Scram256, Scram512, OAuthBearer, MSKIAM)
	}
}

func (s SASL) validateOAuth(ps *Problems) {
	s.refuse(ps, "username", "password", "region")
	switch {
	case s.Token != "":
		s.refuse(ps, "token_url", "client_id", "client_secret", "scope")
	case s.TokenURL != "":
		s.need(ps, "client_id", "client_secret")
		if !safeURL(s.TokenURL) {
			ps.add("sasl.token_url", "is no https address")
		}
	default:
		ps.add("sasl", "%s needs a token; write token: file:NAME, or token_url, client_id and client_secret", OAuthBearer)
	}
}

func (s SASL) need(ps *Problems, fields ...string) {
	for _, f := range fields {
		if s.field(f) == "" {
			ps.add("sasl."+f, "missing; %s needs it", s.Mechanism)
		}
	}
}

func (s SASL) refuse(ps *Problems, fields ...string) {
	for _, f := range fields {
		if s.field(f) != "" {
			ps.add("sasl."+f, "has no place with this kind of %s; remove it", s.Mechanism)
		}
	}
}

func (s SASL) field(name string) string {
	return map[string]string{
		"username": s.Username, "password": s.Password, "token": s.Token, "token_url": s.TokenURL,
		"client_id": s.ClientID, "client_secret": s.ClientSecret, "scope": s.Scope, "region": s.Region,
	}[name]
}

// checkSecret refuses anything but a reference.
func checkSecret(ps *Problems, field, value string) {
	if value == "" {
		return
	}
	if err := secrets.Check(value); err != nil {
		ps.add(field, "%v", err)
	}
}

// checkName takes anything, but if it is a reference then a good one.
func checkName(ps *Problems, field, value string) {
	if secrets.IsReference(value) {
		checkSecret(ps, field, value)
	}
}

// safeURL says whether a client's secret may be sent there.
func safeURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}
