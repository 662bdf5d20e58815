package nats_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/nats"
)

func event() *target.Message {
	return &target.Message{ID: "evt_1", Type: "order.created", Source: "s", Time: time.Unix(1_700_000_000, 0), Data: []byte(`{"n":1}`), Cursor: "c1"}
}

func send(t *testing.T, to target.Target) gateway.Outcome {
	t.Helper()
	return to.Send(t.Context(), event(), time.Now())
}

// stream makes a stream as the user that options name.
func stream(t *testing.T, s *server.Server, options ...natsgo.Option) jetstream.Stream {
	t.Helper()
	conn, err := natsgo.Connect(s.ClientURL(), options...)
	check(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	check(t, err)
	made, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Storage: jetstream.MemoryStorage})
	check(t, err)
	return made
}

var receiverUser = natsgo.UserInfo("receiver", "r")

func plain(s *server.Server, more map[string]any) map[string]any {
	config := map[string]any{"urls": []string{s.ClientURL()}, "subject": "events.{type}", "user": "postrider", "password": password}
	for name, value := range more {
		config[name] = value
	}
	return config
}

func TestAcknowledgementIsRecorded(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	stream(t, s, receiverUser)
	to := newTarget(t, time.Minute, plain(s, nil))
	first, second := send(t, to), send(t, to)
	if string(first.Response) != `{"stream":"EVENTS","seq":1}` || first.Address != s.Addr().String() || first.Timings.Connect == 0 {
		t.Errorf("the first attempt: %+v, %s", first, first.Response)
	}
	if string(second.Response) != `{"stream":"EVENTS","seq":1,"duplicate":true}` || second.Kind != gateway.OutcomeDelivered || second.Timings.Connect != 0 {
		t.Errorf("the second attempt: %+v, %s", second, second.Response)
	}
	if first.Sent.Form.Method != "PUB" || first.Sent.Form.URL != s.ClientURL()+"/events.{type}" {
		t.Errorf("recorded %s", first.Sent.Form.Text())
	}
}

func TestErrorsHaveTheirMeaning(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(o *server.Options) {
		o.MaxPayload = 4096
		o.Users = append(o.Users, &server.User{
			Username: "mute", Password: "m",
			Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"events.>"}}},
		})
	})
	stream(t, s, receiverUser)
	large := event()
	large.Data = []byte(`{"a":"` + strings.Repeat("x", 5000) + `"}`)
	for _, c := range []struct {
		name, says string
		change     map[string]any
		message    *target.Message
		kind       gateway.OutcomeKind
		status     int
	}{
		{"no stream", "no stream takes the subject", map[string]any{"subject": "nowhere"}, event(), gateway.OutcomeEndpointFailure, 0},
		{"another stream", "expected stream does not match", map[string]any{"stream": "ORDERS"}, event(), gateway.OutcomeEndpointFailure, 10060},
		{"too large", "max_payload", nil, large, gateway.OutcomeEventFailure, 0},
		{"wrong password", "Authorization Violation", map[string]any{"password": "wrong"}, event(), gateway.OutcomeEndpointFailure, 0},
		{"no permission", "Permissions Violation", map[string]any{"user": "mute", "password": "m"}, event(), gateway.OutcomeEndpointFailure, 0},
		{"no server", "connection refused", map[string]any{"urls": []string{"nats://127.0.0.1:1"}}, event(), gateway.OutcomeEndpointFailure, 0},
		{"refused address", "metadata", map[string]any{"urls": []string{"nats://169.254.169.254:4222"}}, event(), gateway.OutcomeEndpointFailure, 0},
		{"no TLS there", "secure connection not available", map[string]any{"urls": []string{strings.Replace(s.ClientURL(), "nats:", "tls:", 1)}}, event(), gateway.OutcomeEndpointFailure, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newTarget(t, 2*time.Second, plain(s, c.change)).Send(t.Context(), c.message, time.Now())
			if o.Kind != c.kind || !strings.Contains(o.Error, c.says) || o.Status != c.status {
				t.Errorf("%v, status %d: %s", o.Kind, o.Status, o.Error)
			}
		})
	}
}

// The second of two servers is used when the first is down.
func TestServersAreTriedInTurn(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	stream(t, s, receiverUser)
	to := newTarget(t, time.Minute, plain(s, map[string]any{"urls": []string{"nats://127.0.0.1:1", s.ClientURL()}}))
	if o := send(t, to); o.Kind != gateway.OutcomeDelivered {
		t.Errorf("%+v", o)
	}
}

// A server announces others of its cluster, such as one at an address that targets may not reach. These are never dialled, also when the
// server that announced them hangs up.
func TestAnnouncedServersAreNotDialled(t *testing.T) {
	t.Parallel()
	address := announcing(t, "169.254.169.254:4222")
	dialled := make(chan string, 10)
	client := egress.New(egress.Config{
		Guard: egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled <- address
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	to := newTargetOf(t, nats.NewType(client, "1", local), time.Minute, map[string]any{"urls": []string{"nats://" + address}, "subject": "a"})
	for range 2 {
		if o := send(t, to); o.Kind != gateway.OutcomeEndpointFailure || !strings.Contains(o.Error, "ended before the acknowledgement") {
			t.Errorf("%+v", o)
		}
		if got := <-dialled; got != address {
			t.Errorf("dialled %s", got)
		}
	}
	select {
	case got := <-dialled:
		t.Errorf("dialled %s", got)
	default:
	}
}

// announcing is a server that announces another one and hangs up when something is published.
func announcing(t *testing.T, other string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, `INFO {"server_id":"x","version":"2.11.0","max_payload":1048576,"headers":true,"connect_urls":[%q]}`+"\r\n", other)
			lines := bufio.NewScanner(conn)
			for lines.Scan() && !strings.HasPrefix(lines.Text(), "HPUB") {
				if lines.Text() == "PING" {
					_, _ = conn.Write([]byte("PONG\r\n"))
				}
			}
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestTLSAndNKey(t *testing.T) {
	t.Parallel()
	certificate, authority := selfSigned(t)
	user, err := nkeys.CreateUser()
	check(t, err)
	public, err := user.PublicKey()
	check(t, err)
	seed, err := user.Seed()
	check(t, err)
	s := newServer(t, func(o *server.Options) {
		o.TLS, o.TLSConfig = true, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		o.Nkeys = []*server.NkeyUser{{Nkey: public}}
	})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(authority))
	stream(t, s, receiverUser, natsgo.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	config := map[string]any{
		"urls": []string{"tls://" + s.Addr().String()}, "subject": "events.a", "nkeySeed": string(seed), "caCertificates": authority,
	}
	if o := send(t, newTarget(t, time.Minute, config)); o.Kind != gateway.OutcomeDelivered || o.Timings.TLS == 0 {
		t.Errorf("%+v", o)
	}
	delete(config, "caCertificates")
	if o := send(t, newTarget(t, time.Minute, config)); o.Kind != gateway.OutcomeEndpointFailure || !strings.Contains(o.Error, "certificate") {
		t.Errorf("without the authority: %+v", o)
	}
}

func selfSigned(t *testing.T) (pair tls.Certificate, authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, config, field string }{
		{"plain", `{"urls":["nats://127.0.0.1:4222"],"subject":"events.{type}"}`, ""},
		{"no configuration", `{"urls":7}`, "target.nats"},
		{"no servers", `{"subject":"a"}`, "target.nats.urls"},
		{"no subject", `{"urls":["nats://127.0.0.1:4222"]}`, "target.nats.subject"},
		{"address", `{"urls":["nats://10.0.0.1:4222"],"subject":"a"}`, "target.nats.urls[0]"},
		{"public address without TLS", `{"urls":["nats://1.1.1.1:4222"],"subject":"a"}`, "target.nats.urls[0]"},
		{"unusual address", `{"urls":["nats://2130706433:4222"],"subject":"a"}`, "target.nats.urls[0]"},
		{"a server that nobody has named", `{"urls":["nats://127.0.0.2:4222"],"subject":"a"}`, "target.nats.urls[0]"},
		{"mixed schemes", `{"urls":["nats://127.0.0.1:4222","tls://127.0.0.1:4222"],"subject":"a"}`, "target.nats.urls[1]"},
		{"reserved subject", `{"urls":["nats://127.0.0.1:4222"],"subject":"$JS.API.x"}`, "target.nats.subject"},
		{"two logins", `{"urls":["nats://127.0.0.1:4222"],"subject":"a","user":"u","token":"t"}`, "target.nats"},
		{"password alone", `{"urls":["nats://127.0.0.1:4222"],"subject":"a","password":"p"}`, "target.nats.user"},
		{"no seed", `{"urls":["nats://127.0.0.1:4222"],"subject":"a","nkeySeed":"hunter2"}`, "target.nats.nkey_seed"},
		{"no credentials", `{"urls":["nats://127.0.0.1:4222"],"subject":"a","credentials":"hunter2"}`, "target.nats.credentials"},
		{"no authority", `{"urls":["tls://127.0.0.1:4222"],"subject":"a","caCertificates":"x"}`, "target.nats.ca_certificates"},
		{"half a certificate", `{"urls":["tls://127.0.0.1:4222"],"subject":"a","clientKey":"hunter2"}`, "target.nats.client_key"},
		{"certificates without TLS", `{"urls":["nats://127.0.0.1:4222"],"subject":"a","caCertificates":"x"}`, "target.nats.urls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := newType(t).Check(t.Context(), "target.nats", []byte(c.config))
			var fault *gateway.Error
			switch {
			case c.field == "" && err != nil:
				t.Error(err)
			case c.field != "" && (!errors.As(err, &fault) || len(fault.Fields) != 1 || fault.Fields[0].Field != c.field):
				t.Errorf("%v, want a fault of %s", err, c.field)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
