package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// httpsRows compares draining a backlog over https, with connections that are kept, with a bare loop of signed posts over
// TLS to the same sink. The endpoints are ports of one sink, each with a subscription of its own.
func (b *bench) httpsRows() ([]row, error) {
	var rows []row
	for _, endpoints := range []int{1, 16} {
		r, err := b.httpsRow(endpoints)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) httpsRow(endpoints int) (row, error) {
	backlog := 48_000
	if b.short {
		backlog = 3_200
	}
	var real, limit, ratio []float64
	var cpu time.Duration
	for range b.rounds {
		err := b.withSecureSink(endpoints, func(server, sink *process, secure []string, trusted *tls.Config) error {
			bare, err := signedPosts(sink, 2*b.unit, func(i int) (*rawConn, error) {
				return dialRawTLS(secure[i%len(secure)], trusted)
			})
			if err != nil {
				return err
			}
			rate, used, err := drain(server, sink, backlog/endpoints, hooks("https", secure...))
			real, limit, ratio, cpu = append(real, rate), append(limit, bare), append(ratio, rate/bare), used
			return err
		})
		if err != nil {
			return row{}, err
		}
	}
	name := "delivery over https to 1 endpoint"
	if endpoints > 1 {
		name = fmt.Sprintf("delivery over https to %d endpoints", endpoints)
	}
	return row{
		name: name, measured: perSecond(median(real), cpu), limit: perSecond(median(limit), 0),
		ratio: fmt.Sprintf("%.2f", median(ratio)), note: "limit: signed posts over TLS",
	}, nil
}

// withSecureSink runs a measurement with a fresh server that trusts a fresh sink.
func (b *bench) withSecureSink(
	endpoints int, measure func(server, sink *process, secure []string, trusted *tls.Config) error,
) error {
	folder, remove, err := tempFolder()
	if err != nil {
		return err
	}
	defer remove()
	file := filepath.Join(folder, "sink.pem")
	trusted, err := writeCertificate(file)
	if err != nil {
		return err
	}
	sink, secure, err := startSecureSink(file, endpoints)
	if err != nil {
		return err
	}
	defer sink.stop()
	server, err := startServer(folder, false, "SSL_CERT_FILE="+file)
	if err != nil {
		return err
	}
	defer server.stop()
	return measure(server, sink, secure, trusted)
}

// startSecureSink starts a receiver that also accepts deliveries over TLS, at several addresses.
func startSecureSink(certificate string, endpoints int) (sink *process, secure []string, err error) {
	for range endpoints {
		address, err := freeAddress()
		if err != nil {
			return nil, nil, err
		}
		secure = append(secure, address)
	}
	sink, err = startSink(append([]string{certificate}, secure...)...)
	return sink, secure, err
}

// writeCertificate writes a key and a certificate for 127.0.0.1 to one file, and returns a configuration that trusts it.
func writeCertificate(file string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, os.WriteFile(file, text, 0o600)
}

// listenTLS serves deliveries at addresses, with the key and the certificate in one file.
func (s *sink) listenTLS(file string, addresses []string) error {
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	for _, address := range addresses {
		l, err := tls.Listen("tcp", address, config)
		if err != nil {
			return err
		}
		go s.accept(l)
	}
	return nil
}
