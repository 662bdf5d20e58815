// Package nats publishes each event to a NATS JetStream stream and waits for the stream's acknowledgement.
package nats

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"google.golang.org/protobuf/encoding/protojson"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	"github.com/postrider-dev/postrider/client/signature"
	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// Name is how a subscription names this type.
const Name = "nats"

// typePlaceholder stands for the event's type in a subject.
const typePlaceholder = "{type}"

// Type makes NATS targets.
type Type struct {
	client *egress.Client
	name   string
	// servers are those that targets may use, as "host" or "host:port".
	servers []string
}

var _ target.Type = (*Type)(nil)

// NewType makes the type. Targets connect through client, to the servers that are named as "host" or "host:port", and call themselves
// "Postrider/<version>". The operator names the servers, because the client library is made for servers that can be trusted.
func NewType(client *egress.Client, version string, servers []string) *Type {
	return &Type{client: client, name: "Postrider/" + version, servers: servers}
}

// Name returns "nats".
func (t *Type) Name() string { return Name }

// New makes a target.
func (t *Type) New(spec target.Spec) (target.Target, error) {
	config, err := parse(spec.Config)
	if err != nil {
		return nil, err
	}
	for _, address := range config.GetUrls() {
		if u, err := url.Parse(address); err != nil || !t.permits(u) {
			return nil, errors.New("the NATS server is not in " + ServersFlag)
		}
	}
	secret, err := signature.ParseSecret(spec.Secret)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	form, err := formOf(config)
	if err != nil {
		return nil, err
	}
	link := newLink(t.client, spec, config.GetUrls(), func() (login, error) { return t.login(config) })
	return &Nats{
		link: link, subject: config.GetSubject(), stream: config.GetStream(),
		signer: signature.NewSigner(secret), form: form, timeout: spec.Timeout,
	}, nil
}

// Check refuses servers that cannot be reached, and credentials that cannot be used.
func (t *Type) Check(ctx context.Context, path string, config []byte) error {
	nats, err := parse(config)
	if err != nil {
		return gateway.FieldError(path, "is not the configuration of a NATS target")
	}
	for i, address := range nats.GetUrls() {
		if err := t.checkURL(ctx, fmt.Sprintf("%s.urls[%d]", path, i), address, isSecure(nats)); err != nil {
			return err
		}
	}
	return checkFields(path, nats)
}

func (t *Type) checkURL(ctx context.Context, field, address string, secure bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "":
		return gateway.FieldError(field, `must be "tls://host:port" or "nats://host:port", without a user or a path`)
	case (u.Scheme == "tls") != secure:
		return gateway.FieldError(field, "has another scheme than the first one")
	case !t.permits(u):
		return gateway.FieldError(field, "is not a NATS server that this server may use; the operator names those with %s", ServersFlag)
	}
	if err := t.client.Guard().CheckServer(ctx, u); err != nil {
		fault := gateway.FieldError(field, "%s", err)
		fault.Cause, fault.Reason = err, gateway.ReasonTargetRefused
		return fault
	}
	return nil
}

// ServersFlag is the setting that names the servers.
const ServersFlag = "--nats-servers"

func (t *Type) permits(u *url.URL) bool {
	return slices.Contains(t.servers, u.Hostname()) || slices.Contains(t.servers, u.Host)
}

func checkFields(path string, config *targetv1.Nats) error {
	given := 0
	for _, credential := range []string{config.GetUser(), config.GetToken(), config.GetNkeySeed(), config.GetCredentials()} {
		if credential != "" {
			given++
		}
	}
	switch {
	case len(config.GetUrls()) == 0:
		return gateway.FieldError(path+".urls", "is required")
	case config.GetSubject() == "":
		return gateway.FieldError(path+".subject", "is required")
	case strings.HasPrefix(config.GetSubject(), "$"):
		return gateway.FieldError(path+".subject", "begins with $, which is reserved for the servers")
	case given > 1:
		return gateway.FieldError(path, "has more than one kind of credentials")
	case config.GetPassword() != "" && config.GetUser() == "":
		return gateway.FieldError(path+".user", "is required with a password")
	case (config.GetClientCertificate() == "") != (config.GetClientKey() == ""):
		return gateway.FieldError(path+".client_key", "and client_certificate are given together")
	case !isSecure(config) && (config.GetCaCertificates() != "" || config.GetClientKey() != ""):
		return gateway.FieldError(path+".urls", "must have the scheme tls, since there are certificates")
	}
	if field, err := unusable(config); err != nil {
		return gateway.FieldError(path+"."+field, "%s", err)
	}
	return nil
}

// unusable returns the first field whose content cannot be used. The error does not repeat the content.
func unusable(config *targetv1.Nats) (field string, err error) {
	if _, err := nkeyOption(config.GetNkeySeed()); err != nil {
		return "nkey_seed", err
	}
	if _, err := credentialsOption(config.GetCredentials()); err != nil {
		return "credentials", err
	}
	if _, err := authorities(config.GetCaCertificates()); err != nil {
		return "ca_certificates", err
	}
	if _, err := clientCertificate(config); err != nil {
		return "client_key", err
	}
	return "", nil
}

// isSecure reports whether the connection must use TLS.
func isSecure(config *targetv1.Nats) bool {
	urls := config.GetUrls()
	return len(urls) > 0 && strings.HasPrefix(urls[0], "tls://")
}

// login is how a target logs in to its servers.
type login struct {
	// options are those of a connection, apart from what differs from one to the next.
	options []natsgo.Option
	// secure is how a connection is encrypted, where the URLs or the server want that.
	secure *tls.Config
}

// login parses what a configuration says of it. A connection that breaks is not mended: the next attempt makes another one, so that the
// breaker alone decides when a server that is down is dialled.
func (t *Type) login(config *targetv1.Nats) (login, error) {
	options := []natsgo.Option{
		natsgo.Name(t.name), natsgo.NoReconnect(), natsgo.DontRandomize(),
		natsgo.SkipHostLookup(), natsgo.IgnoreDiscoveredServers(),
	}
	switch {
	case config.GetUser() != "":
		options = append(options, natsgo.UserInfo(config.GetUser(), config.GetPassword()))
	case config.GetToken() != "":
		options = append(options, natsgo.Token(config.GetToken()))
	}
	nkey, err := nkeyOption(config.GetNkeySeed())
	if err != nil {
		return login{}, err
	}
	credentials, err := credentialsOption(config.GetCredentials())
	if err != nil {
		return login{}, err
	}
	secure, err := t.tlsConfig(config)
	if err != nil {
		return login{}, err
	}
	options = append(append(options, nkey...), credentials...)
	if isSecure(config) {
		options = append(options, natsgo.Secure(secure))
	}
	return login{options, secure}, nil
}

func (t *Type) tlsConfig(config *targetv1.Nats) (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.client.RootCAs()}
	own, err := authorities(config.GetCaCertificates())
	if err != nil {
		return nil, err
	}
	if own != nil {
		secure.RootCAs = own
	}
	secure.Certificates, err = clientCertificate(config)
	return secure, err
}

func authorities(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("has no certificate in PEM")
	}
	return pool, nil
}

func clientCertificate(config *targetv1.Nats) ([]tls.Certificate, error) {
	if config.GetClientKey() == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(config.GetClientCertificate()), []byte(config.GetClientKey()))
	if err != nil {
		return nil, errors.New("does not belong to client_certificate, or one of them is not PEM")
	}
	return []tls.Certificate{pair}, nil
}

func nkeyOption(seed string) ([]natsgo.Option, error) {
	if seed == "" {
		return nil, nil
	}
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return nil, errors.New("is not the seed of an NKey")
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, errors.New("is not the seed of an NKey")
	}
	return []natsgo.Option{natsgo.Nkey(public, pair.Sign)}, nil
}

func credentialsOption(text string) ([]natsgo.Option, error) {
	if text == "" {
		return nil, nil
	}
	if _, err := nkeys.ParseDecoratedJWT([]byte(text)); err != nil {
		return nil, errors.New("is not the content of a credentials file")
	}
	if _, err := nkeys.ParseDecoratedUserNKey([]byte(text)); err != nil {
		return nil, errors.New("is not the content of a credentials file")
	}
	return []natsgo.Option{natsgo.UserCredentialBytes([]byte(text))}, nil
}

// parse does not repeat the configuration in its error, since it may hold secrets.
func parse(config []byte) (*targetv1.Nats, error) {
	nats := new(targetv1.Nats)
	if err := protojson.Unmarshal(config, nats); err != nil {
		return nil, errors.New("the configuration of the NATS target is malformed")
	}
	return nats, nil
}
