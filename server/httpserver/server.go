// Package httpserver serves the one port of the process. It routes requests to the API, the health checks and the web UI, and
// enforces the limits that all of them share.
package httpserver

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Limits of a connection. There is no limit for a whole response: streams are meant to stay open.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	// On HTTP/2 a client that is silent for pingAfter is pinged, and disconnected if it does not reply within pingTimeout.
	pingAfter   = 30 * time.Second
	pingTimeout = 15 * time.Second
	// maxHeaderBytes is Node's limit, and twice the limit of a line in nginx.
	maxHeaderBytes = 16 << 10
	// maxStreams limits the open calls of an HTTP/2 connection.
	maxStreams = 1000
)

// Config configures a Server.
type Config struct {
	// API mounts the procedures on the mux.
	API func(*http.ServeMux)
	// UI holds the files of the built web UI.
	UI fs.FS
	// CORSOrigins are the origins whose pages may call the API; none if empty.
	CORSOrigins []string
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Streams are the paths of requests whose body is a stream: it may be silent between messages and need not end.
	Streams []string
	// MaxConnections limits the open connections; 0 means no limit.
	MaxConnections int
	// Ready reports whether the server can do its work.
	Ready  func(context.Context) error
	Logger *slog.Logger
}

// Server serves Connect, gRPC, gRPC-Web and plain HTTP on one listener, over HTTP/1.1 and HTTP/2 without TLS.
type Server struct {
	http           *http.Server
	maxConnections int
	logger         *slog.Logger
}

// New returns a Server.
func New(cfg Config) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &Server{maxConnections: cfg.MaxConnections, logger: cfg.Logger, http: &http.Server{
		Handler:           NewHandler(cfg),
		Protocols:         protocols,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, SendPingTimeout: pingAfter, PingTimeout: pingTimeout,
		},
		ConnContext: withConnection,
		ErrorLog:    slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}}
}

// NewHandler returns the handler of all requests to the port.
func NewHandler(cfg Config) http.Handler {
	mux := http.NewServeMux()
	cfg.API(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeState(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { writeState(w, cfg.Ready(r.Context())) })
	mux.Handle("/", serveUI(cfg.UI))
	return trustProxies(cfg.TrustedProxies, newCalls(cfg, allowOrigins(cfg.CORSOrigins, mux)))
}

func writeState(w http.ResponseWriter, fault error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if fault != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("not ready" + reasonOf(fault) + "\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// reasonOf returns the text of a fault for callers without a key: only messages that are written for people, never a cause.
func reasonOf(fault error) string {
	var told *gateway.Error
	if errors.As(fault, &told) {
		return ": " + told.Message
	}
	return ""
}

// Serve serves requests until Shutdown or Close; it returns nil then.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(boundConnections(listener, s.maxConnections, s.logger)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops accepting connections and waits for active requests. It closes the remaining ones when ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
