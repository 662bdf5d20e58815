package nats

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
)

// defaultPort is that of NATS.
const defaultPort = "4222"

// dialled is a connection to a server before the login. The library takes it as its dialer, and so dials through the guard and reads
// checked frames only.
type dialled struct {
	raw *egress.Conn
	// checked is raw, encrypted where it has to be, with its frames checked.
	checked   *framed
	handshake time.Duration
}

// dial connects to a server and reads its first line, INFO. It encrypts the connection where the URL or the server asks for that. A server
// without TLS is left to the library, which refuses it.
func dial(ctx context.Context, client *egress.Client, tenant gateway.TenantID, address string, secure *tls.Config) (*dialled, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	raw, err := client.Dial(ctx, tenant, u.Scheme, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort)))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	d := &dialled{raw: raw, checked: &framed{Conn: raw}}
	if err := d.open(ctx, u, secure); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return d, nil
}

func (d *dialled) open(ctx context.Context, u *url.URL, secure *tls.Config) error {
	line, rest, err := d.checked.peekLine()
	if err != nil {
		return fmt.Errorf("no INFO: %w", err)
	}
	var info struct {
		Required  bool `json:"tls_required"`
		Available bool `json:"tls_available"`
	}
	_, text, _ := bytes.Cut(line, []byte(" "))
	if err := json.Unmarshal(text, &info); err != nil {
		return fmt.Errorf("malformed INFO: %w", err)
	}
	if !info.Required && (u.Scheme != "tls" || !info.Available) {
		return nil
	}
	if len(rest) > 0 {
		return errors.New("the server sends more than INFO before the TLS handshake")
	}
	return d.encrypt(ctx, u.Hostname(), secure)
}

func (d *dialled) encrypt(ctx context.Context, host string, secure *tls.Config) error {
	config := secure.Clone()
	config.ServerName = host
	encrypted := tls.Client(d.raw, config)
	start := time.Now()
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	d.handshake = time.Since(start)
	d.checked = &framed{Conn: encrypted, first: d.checked.first}
	return nil
}

// Dial implements natsgo.CustomDialer.
func (d *dialled) Dial(_, _ string) (net.Conn, error) { return d.checked, nil }

// SkipTLSHandshake tells the library that the connection is encrypted already where it has to be.
func (*dialled) SkipTLSHandshake() bool { return true }
