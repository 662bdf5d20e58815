package e2e_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
)

// nginxConfig has a place with nothing but proxy_pass, and compression of all there is: HTTP/1.0 to the server, and
// buffering. The other one is for WebSockets.
const nginxConfig = `
daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  gzip on; gzip_types *; gzip_proxied any; gzip_min_length 0;
  server {
    listen %[2]s;
    location / { proxy_pass %[3]s; }
    location = /v1/events/socket {
      proxy_pass %[3]s; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $http_host;
    }
  }
}`

// startNginx puts an nginx before a server and returns its URL.
func startNginx(t *testing.T, to string) string {
	t.Helper()
	program := needed(t, "POSTRIDER_TEST_NGINX")
	folder, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(folder, "nginx.conf")
	write(t, file, fmt.Sprintf(nginxConfig, folder, address, to))
	through := door{url: "http://" + address, http: http.DefaultClient}
	startProxy(t, exec.Command(program, "-p", folder, "-e", filepath.Join(folder, "error.log"), "-c", file), through)
	return through.url
}

// startProxy starts a proxy for the time of the test, and waits until it passes requests on.
func startProxy(t *testing.T, proxy *exec.Cmd, through door) {
	t.Helper()
	var log tailBuffer
	proxy.Stdout, proxy.Stderr = &log, &log
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = proxy.Wait(); close(ended) }()
	t.Cleanup(func() { _ = proxy.Process.Signal(syscall.SIGTERM); <-ended })
	for deadline := time.Now().Add(startTimeout); ; pause(t.Context(), pollEvery) {
		if response, err := through.http.Get(through.url + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ended:
			t.Fatalf("the proxy ended: %v", &log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the proxy is not ready: %v", &log)
		}
	}
}

// Regression (issue 8, 19): nginx kept the messages of RPC streams to itself. Each protocol gets its first message, and one
// that is published later, while the stream stays open.
func TestStreamsPassADefaultNginx(t *testing.T) {
	s := newServer(t)
	s.mustStart()
	through := door{url: startNginx(t, s.url()), http: http.DefaultClient, heartbeat: 15 * time.Second}
	for name, follow := range map[string]following{
		"Connect":                followRPC(),
		"Connect, JSON":          followRPC(connect.WithProtoJSON()),
		"gRPC-Web":               followRPC(connect.WithGRPCWeb()),
		"Connect, JSON, by hand": followByHand,
		"server-sent events":     followLines("text/event-stream"),
		"JSON lines":             followLines("application/x-ndjson"),
		"a WebSocket":            followSocket,
	} {
		t.Run(name, func(t *testing.T) {
			through.passes(t, strings.NewReplacer(" ", "_", ",", "").Replace("nginx_"+name), 0, follow)
		})
	}
}
