package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"unpark/secrets"
)

// Resolve returns the secret that a reference stands for.
type Resolve func(ref string) (string, error)

// Options returns what a client needs to reach the configured brokers. Every
// secret is resolved once, so that a missing one is found at the start, and
// again for each new connection, so that a replaced one is used.
func Options(ctx context.Context, c Config, resolve Resolve) ([]kgo.Opt, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...)}
	if c.TLS != nil {
		tc, err := tlsConfig(*c.TLS, resolve)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls: %w", err)
		}
		opts = append(opts, kgo.DialTLSConfig(tc))
	}
	if c.SASL != nil {
		m, err := mechanism(ctx, *c.SASL, resolve)
		if err != nil {
			return nil, fmt.Errorf("kafka: sasl: %w", err)
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

func tlsConfig(t TLS, resolve Resolve) (*tls.Config, error) {
	tc := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := resolve(t.CA)
		if err != nil {
			return nil, err
		}
		tc.RootCAs = x509.NewCertPool()
		if !tc.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", t.CA)
		}
	}
	if t.Cert != "" {
		tc.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate(t, resolve)
		}
		if _, err := certificate(t, resolve); err != nil {
			return nil, err
		}
	}
	return tc, nil
}

func certificate(t TLS, resolve Resolve) (*tls.Certificate, error) {
	cert, err := resolve(t.Cert)
	if err != nil {
		return nil, err
	}
	key, err := resolve(t.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, fmt.Errorf("%s with %s: %w", t.Cert, t.Key, err)
	}
	return &pair, nil
}

// mechanism returns the SASL mechanism, having tried to get its credentials.
func mechanism(ctx context.Context, s SASL, resolve Resolve) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case Plain:
		auth := func(context.Context) (plain.Auth, error) {
			user, pass, err := s.login(resolve)
			return plain.Auth{User: user, Pass: pass}, err
		}
		return tried(ctx, auth, plain.Plain)
	case Scram256, Scram512:
		auth := func(context.Context) (scram.Auth, error) {
			user, pass, err := s.login(resolve)
			return scram.Auth{User: user, Pass: pass}, err
		}
		if s.Mechanism == Scram256 {
			return tried(ctx, auth, scram.Sha256)
		}
		return tried(ctx, auth, scram.Sha512)
	case OAuthBearer:
		auth := func(context.Context) (oauth.Auth, error) {
			token, err := resolve(s.Token)
			return oauth.Auth{Token: token}, err
		}
		if s.TokenURL != "" {
			auth = newTokenSource(s, resolve).auth
		}
		return tried(ctx, auth, oauth.Oauth)
	case MSKIAM:
		return mskIAM(ctx, s.Region)
	}
	return nil, errors.New("no mechanism")
}

// tried makes a mechanism of credentials that could be had once.
func tried[A any](ctx context.Context, auth func(context.Context) (A, error), build func(func(context.Context) (A, error)) sasl.Mechanism) (sasl.Mechanism, error) {
	if _, err := auth(ctx); err != nil {
		return nil, err
	}
	return build(auth), nil
}

func (s SASL) login(resolve Resolve) (user, pass string, err error) {
	if user, err = named(s.Username, resolve); err != nil {
		return "", "", err
	}
	pass, err = resolve(s.Password)
	return user, pass, err
}

// named resolves what may be a reference or the thing itself.
func named(value string, resolve Resolve) (string, error) {
	if secrets.IsReference(value) {
		return resolve(value)
	}
	return value, nil
}

// mskIAM signs with whatever the host's AWS credentials are: environment,
// profile, web identity, container or instance role.
func mskIAM(ctx context.Context, region string) (sasl.Mechanism, error) {
	var load []func(*config.LoadOptions) error
	if region != "" {
		load = append(load, config.WithRegion(region))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("AWS credentials: %w", err)
	}
	auth := func(ctx context.Context) (aws.Auth, error) {
		v, err := c.Credentials.Retrieve(ctx)
		if err != nil {
			return aws.Auth{}, fmt.Errorf("AWS credentials: %w", err)
		}
		return aws.Auth{AccessKey: v.AccessKeyID, SecretKey: v.SecretAccessKey, SessionToken: v.SessionToken}, nil
	}
	return tried(ctx, auth, aws.ManagedStreamingIAM)
}
