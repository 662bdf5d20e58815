package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server"
)

const adminKey = "the-admin-key-of-these-tests"

// world is a whole server with a database of its own, and clients that talk to it.
type world struct {
	t    *testing.T
	url  string
	stop func() error
	logs *safeBuffer
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newWorld starts a server that may deliver to this machine and knows the types of the shop.
func newWorld(t *testing.T, change ...func(*server.Config)) *world {
	t.Helper()
	config := server.DefaultConfig()
	config.Listen, config.Data = "127.0.0.1:0", t.TempDir()
	config.AdminKey = adminKey
	config.Schemas = "../../gen/descriptors/shop.v1.binpb"
	config.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, f := range change {
		f(&config)
	}
	logs := &safeBuffer{}
	instance, err := server.New(t.Context(), config, logs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- instance.Run(ctx) }()
	w := &world{t: t, url: instance.URL(), logs: logs}
	w.stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-ended, instance.Close())
	})
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Log(logs.String())
		}
	})
	return w
}

// clients call every service with one key.
type clients struct {
	events        postriderv1connect.EventServiceClient
	types         postriderv1connect.EventTypeServiceClient
	subscriptions postriderv1connect.SubscriptionServiceClient
	deliveries    postriderv1connect.DeliveryServiceClient
	keys          postriderv1connect.ApiKeyServiceClient
	tenants       postriderv1connect.TenantServiceClient
	sessions      postriderv1connect.SessionServiceClient
	streams       postriderv1connect.StreamServiceClient
}

// as makes clients that show a key; none when it is empty.
func (w *world) as(key string, options ...connect.ClientOption) clients {
	return w.over(&http.Client{Transport: &withKey{key, http.DefaultTransport}}, options...)
}

func (w *world) over(through connect.HTTPClient, options ...connect.ClientOption) clients {
	return clients{
		events:        postriderv1connect.NewEventServiceClient(through, w.url, options...),
		types:         postriderv1connect.NewEventTypeServiceClient(through, w.url, options...),
		subscriptions: postriderv1connect.NewSubscriptionServiceClient(through, w.url, options...),
		deliveries:    postriderv1connect.NewDeliveryServiceClient(through, w.url, options...),
		keys:          postriderv1connect.NewApiKeyServiceClient(through, w.url, options...),
		tenants:       postriderv1connect.NewTenantServiceClient(through, w.url, options...),
		sessions:      postriderv1connect.NewSessionServiceClient(through, w.url, options...),
		streams:       postriderv1connect.NewStreamServiceClient(through, w.url, options...),
	}
}

func (w *world) admin() clients { return w.as(adminKey) }

type withKey struct {
	key  string
	next http.RoundTripper
}

func (k *withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.key != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+k.key)
	}
	return k.next.RoundTrip(r)
}

// key makes an API key and returns its secret and id.
func (w *world) key(name, tenant string, scopes ...postriderv1.ApiKeyScope) (secret, id string) {
	w.t.Helper()
	made, err := w.admin().keys.CreateApiKey(w.t.Context(), connect.NewRequest(&postriderv1.CreateApiKeyRequest{
		ApiKey: &postriderv1.ApiKey{Name: name, Tenant: tenant, Scopes: scopes},
	}))
	if err != nil {
		w.t.Fatal(err)
	}
	return made.Msg.GetSecret(), made.Msg.GetApiKey().GetId()
}

func (w *world) tenant(name string) {
	w.t.Helper()
	_, err := w.admin().tenants.CreateTenant(w.t.Context(), connect.NewRequest(&postriderv1.CreateTenantRequest{
		Tenant: &postriderv1.Tenant{Name: name},
	}))
	if err != nil {
		w.t.Fatal(err)
	}
}

// publish publishes one event and returns the acknowledgement.
func (w *world) publish(eventType, data string) *postriderv1.PublishResponse {
	w.t.Helper()
	response, err := w.admin().events.Publish(w.t.Context(), publishRequest(eventType, data))
	if err != nil {
		w.t.Fatal(err)
	}
	return response.Msg
}

func publishRequest(eventType, data string) *connect.Request[postriderv1.PublishRequest] {
	return connect.NewRequest(&postriderv1.PublishRequest{Event: &postriderv1.Event{
		Type: eventType, Payload: &postriderv1.Event_JsonData{JsonData: data},
	}})
}

// answer is what came back for a plain HTTP request.
type answer struct {
	status int
	header http.Header
	body   string
}

// errorAnswer is an error of the Connect protocol.
type errorAnswer struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type  string          `json:"type"`
		Debug json.RawMessage `json:"debug"`
	} `json:"details"`
}

func (a answer) error(t *testing.T) errorAnswer {
	t.Helper()
	var e errorAnswer
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e.Code == "" {
		t.Fatalf("answer %d %s is not an error: %v", a.status, a.body, err)
	}
	return e
}

// reason is that of the ErrorInfo detail.
func (e errorAnswer) reason() string {
	for _, detail := range e.Details {
		var info struct{ Reason string }
		if detail.Type == "google.rpc.ErrorInfo" && json.Unmarshal(detail.Debug, &info) == nil {
			return info.Reason
		}
	}
	return ""
}

// do sends a request as curl would.
func (w *world) do(method, path, key, body string, header ...string) answer {
	w.t.Helper()
	return w.doOver(http.DefaultClient, method, path, key, body, header...)
}

func (w *world) doOver(client *http.Client, method, path, key, body string, header ...string) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// post calls a procedure with JSON.
func (w *world) post(procedure, key, body string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, procedure, key, body)
}

// codeOf is the code of an error, "ok" for none.
func codeOf(err error) string {
	if err == nil {
		return "ok"
	}
	return connect.CodeOf(err).String()
}

// soon is a context for something that must happen. It ends only what would hang: a busy machine may need long.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// customer is the data of a shop.v1.CustomerRegistered.
const customer = `{"customerId":"0b9c2f2e-6a53-4a6c-9a53-0c8a3f0f4a11","email":"ada@example.com","displayName":"Ada",` +
	`"tier":"CUSTOMER_TIER_STANDARD","registerTime":"2026-01-02T03:04:05Z","labels":{"source":"web"}}`
