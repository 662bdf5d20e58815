package httpserver_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/postrider-dev/postrider/server/httpserver"
)

var built = fstest.MapFS{
	"index.html":            {Data: []byte("<title>ui</title>")},
	"favicon.svg":           {Data: []byte("<svg/>")},
	"assets/app-0123abc.js": {Data: []byte("run()")},
	".gitkeep":              {},
}

// start serves on a free port of this machine and returns its URL.
func start(t *testing.T, config httpserver.Config) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, config)
	return "http://" + listener.Addr().String()
}

func serveOn(t *testing.T, listener net.Listener, config httpserver.Config) {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.API == nil {
		config.API = func(*http.ServeMux) {}
	}
	if config.Ready == nil {
		config.Ready = func(context.Context) error { return nil }
	}
	if config.UI == nil {
		config.UI = built
	}
	server := httpserver.New(config)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		// net/http waits 5 s for a connection that has asked nothing yet, as the client here may have opened one too many.
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-ended); err != nil {
			t.Error(err)
		}
	})
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	return send(t, http.MethodGet, url, header...)
}

func send(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestUI(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{})
	const page, anything = "text/html,application/xhtml+xml", "*/*"
	tests := []struct {
		path, accept string
		status       int
		body, cache  string
	}{
		{"/", anything, 200, "<title>ui</title>", "no-cache"},
		{"/index.html", page, 200, "<title>ui</title>", "no-cache"},
		{"/events/evt_1?types=order.*", page, 200, "<title>ui</title>", "no-cache"},
		{"/assets/app-0123abc.js", anything, 200, "run()", "public, max-age=31536000, immutable"},
		{"/favicon.svg", anything, 200, "<svg/>", "no-cache"},
		{"/assets/gone.js", page, 404, "404 page not found\n", ""},
		{"/postrider.v1.EventService/Nothing", anything, 404, "404 page not found\n", ""},
		{"/.gitkeep", anything, 404, "404 page not found\n", ""},
		{"/../index.html", page, 200, "<title>ui</title>", "no-cache"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			response, body := get(t, url+tt.path, "Accept", tt.accept)
			if response.StatusCode != tt.status || body != tt.body || response.Header.Get("Cache-Control") != tt.cache {
				t.Errorf("%d %q %q", response.StatusCode, body, response.Header.Get("Cache-Control"))
			}
			if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") ||
				!strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
			if response.Header.Get("X-Content-Type-Options") != "nosniff" || response.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers %v", response.Header)
			}
		})
	}
}

func TestAServerWithoutUISaysSo(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{UI: fs.FS(fstest.MapFS{".gitkeep": {}})})
	if response, body := get(t, url+"/"); response.StatusCode != http.StatusOK || !strings.Contains(body, "make build") {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{Ready: func(context.Context) error { return errors.New("the disk said: secret") }})
	if response, body := get(t, url+"/healthz"); response.StatusCode != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz: %d %q", response.StatusCode, body)
	}
	if response, body := get(t, url+"/readyz"); response.StatusCode != http.StatusServiceUnavailable || body != "not ready\n" {
		t.Errorf("readyz: %d %q", response.StatusCode, body)
	}
	if response, _ := get(t, start(t, httpserver.Config{})+"/readyz"); response.StatusCode != http.StatusOK {
		t.Errorf("readyz of a ready server: %d", response.StatusCode)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	api := func(mux *http.ServeMux) {
		mux.HandleFunc("/postrider.v1.EventService/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	}
	tests := []struct {
		name    string
		origins []string
		origin  string
		allowed string
	}{
		{"closed by default", nil, "https://app.example.com", ""},
		{"an origin that may", []string{"https://app.example.com"}, "https://app.example.com", "https://app.example.com"},
		{"an origin that may not", []string{"https://app.example.com"}, "https://evil.example", ""},
		{"all", []string{"*"}, "https://any.example", "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := start(t, httpserver.Config{API: api, CORSOrigins: tt.origins}) + "/postrider.v1.EventService/Publish"
			preflight, _ := send(t, http.MethodOptions, url, "Origin", tt.origin, "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "authorization,content-type,last-event-id")
			answered, _ := send(t, http.MethodPost, url, "Origin", tt.origin)
			for name, response := range map[string]*http.Response{"preflight": preflight, "request": answered} {
				if got := response.Header.Get("Access-Control-Allow-Origin"); got != tt.allowed {
					t.Errorf("%s: allowed origin %q, want %q", name, got, tt.allowed)
				}
				if response.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: the session cookie may be used from elsewhere", name)
				}
			}
			if got := strings.ToLower(preflight.Header.Get("Access-Control-Allow-Headers")); tt.allowed != "" && !strings.Contains(got, "authorization") {
				t.Errorf("allowed headers %q", got)
			}
		})
	}
}
