package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// askNeighbour is how long a program that has the address may take to show that it is a Postrider.
const askNeighbour = time.Second

// listen opens the server's address. If it is taken, the error says by whom as far as it can be seen, and what to do.
func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	who := "another program"
	if isPostrider(ctx, address) {
		who = "another Postrider"
	}
	return nil, fmt.Errorf("%s is in use by %s: set --listen or POSTRIDER_LISTEN to another address", address, who)
}

// isPostrider reports whether a Postrider serves an address: without a key, it refuses calls with an error of its own.
func isPostrider(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, askNeighbour)
	defer cancel()
	url := localURL(address) + "/postrider.v1.SessionService/GetSession"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	return err == nil && strings.Contains(string(body), `"domain":"postrider"`)
}

// localURL is where a program on this machine finds what listens on an address.
func localURL(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
