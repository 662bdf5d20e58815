package e2e_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/coder/websocket"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
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
	program := os.Getenv("POSTRIDER_TEST_NGINX")
	if program == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no nginx: set POSTRIDER_TEST_NGINX, as tools/with-services does")
		}
		t.Skip("no nginx: set POSTRIDER_TEST_NGINX, as tools/with-services does")
	}
	folder, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, folder, address, to), 0o600); err != nil {
		t.Fatal(err)
	}
	var log tailBuffer
	cmd := exec.Command(program, "-p", folder, "-e", filepath.Join(folder, "error.log"), "-c", file)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); <-ended })
	url := "http://" + address
	for deadline := time.Now().Add(startTimeout); ; pause(t.Context(), pollEvery) {
		if response, err := http.Get(url + "/readyz"); err == nil {
			_ = response.Body.Close()
			return url
		}
		select {
		case <-ended:
			t.Fatalf("nginx ended: %v", &log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx is not ready: %v", &log)
		}
	}
}

// Regression (issue 8, 19): nginx kept the messages of RPC streams to itself. Each protocol gets its first message, and one
// that is published later, while the stream stays open.
func TestStreamsPassADefaultNginx(t *testing.T) {
	s := newServer(t)
	s.mustStart()
	url := startNginx(t, s.url())
	for name, follow := range map[string]func(context.Context, *testing.T, string, func(text string)){
		"Connect":                followRPC(),
		"Connect, JSON":          followRPC(connect.WithProtoJSON()),
		"gRPC-Web":               followRPC(connect.WithGRPCWeb()),
		"Connect, JSON, by hand": followByHand,
		"server-sent events":     followLines("text/event-stream"),
		"JSON lines":             followLines("application/x-ndjson"),
		"a WebSocket":            followSocket,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			id := strings.NewReplacer(" ", "_", ",", "").Replace("nginx_" + name)
			published := false
			follow(ctx, t, url, func(text string) {
				if !published { // the first message is there
					published = true
					publishThrough(ctx, t, url, id)
				}
				if strings.Contains(text, id) {
					cancel()
				}
			})
			if ctx.Err() != context.Canceled {
				t.Error("the event did not come")
			}
		})
	}
}

func publishThrough(ctx context.Context, t *testing.T, url, id string) {
	t.Helper()
	body := fmt.Sprintf(`{"event":{"id":%q,"type":"nginx.passed","data":{}}}`, id)
	response := send(ctx, t, http.MethodPost, url+"/postrider.v1.EventService/Publish", "application/json", strings.NewReader(body))
	if response.StatusCode != http.StatusOK {
		t.Errorf("publish: %s", response.Status)
	}
	_ = response.Body.Close()
}

func send(ctx context.Context, t *testing.T, method, url, contentType string, body io.Reader) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func followRPC(options ...connect.ClientOption) func(context.Context, *testing.T, string, func(string)) {
	return func(ctx context.Context, t *testing.T, url string, came func(string)) {
		request := connect.NewRequest(&postriderv1.SubscribeRequest{Types: []string{"nginx.*"}, Start: "now"})
		request.Header().Set("Authorization", "Bearer "+adminKey)
		stream, err := postriderv1connect.NewEventServiceClient(http.DefaultClient, url, options...).Subscribe(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		for stream.Receive() {
			came(stream.Msg().String())
		}
	}
}

// followByHand reads envelopes, as a browser does, which accepts compression.
func followByHand(ctx context.Context, t *testing.T, url string, came func(string)) {
	message := `{"types":["nginx.*"],"start":"now"}`
	envelope := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	response := send(ctx, t, http.MethodPost, url+"/postrider.v1.EventService/Subscribe", "application/connect+json",
		bytes.NewReader(append(envelope, message...)))
	defer func() { _ = response.Body.Close() }()
	for head := make([]byte, 5); ; {
		if _, err := io.ReadFull(response.Body, head); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(response.Body, text); err != nil {
			return
		}
		came(string(text))
	}
}

func followLines(accept string) func(context.Context, *testing.T, string, func(string)) {
	return func(ctx context.Context, t *testing.T, url string, came func(string)) {
		response := send(ctx, t, http.MethodGet, url+"/v1/events/stream?types=nginx.*&start=now", accept, nil)
		defer func() { _ = response.Body.Close() }()
		for chunk := make([]byte, 64<<10); ; {
			n, err := response.Body.Read(chunk)
			if err != nil {
				return
			}
			came(string(chunk[:n]))
		}
	}
}

func followSocket(ctx context.Context, t *testing.T, url string, came func(string)) {
	socket, _, err := websocket.Dial(ctx, url+"/v1/events/socket", &websocket.DialOptions{
		Subprotocols: []string{"postrider.v1.json"}, HTTPHeader: http.Header{"Authorization": {"Bearer " + adminKey}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	if err := socket.Write(ctx, websocket.MessageText, []byte(`{"id":"1","subscription":"s","subscribe":{"types":["nginx.*"],"start":"now"}}`)); err != nil {
		t.Fatal(err)
	}
	for begun := false; ; {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return
		}
		// The connection's own messages come before those of the stream.
		if begun = begun || strings.Contains(string(text), `"begin"`); begun {
			came(string(text))
		}
	}
}
