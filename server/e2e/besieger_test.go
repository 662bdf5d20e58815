package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// besieger is a tenant of its own, and whatever has no key at all, on an address of its own. It calls over HTTP/1.1 in JSON,
// as anyone can with curl.
type besieger struct {
	server  *server
	http    *http.Client
	attacks []attack
	// key lets it do everything in its tenant.
	key string
	// slow is an endpoint that takes its time, hanging one that never answers.
	slow, busy, hanging string

	mu       sync.Mutex
	outcomes map[string]map[string]int
}

const besiegingTenant = "besieger"

func newBesieger(ctx context.Context, s *server, attacks []attack) (*besieger, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(hostileFrom)}}
	b := &besieger{server: s, attacks: attacks, outcomes: map[string]map[string]int{}, http: &http.Client{
		Timeout: patience, Transport: &http.Transport{DialContext: dialer.DialContext, DisableCompression: true, MaxIdleConnsPerHost: 64},
	}}
	var slow, busy, hanging error
	b.slow, slow = newEndpoint(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		pause(r.Context(), 5*time.Second)
	})
	b.busy, busy = newEndpoint(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	b.hanging, hanging = newHangingEndpoint()
	return b, errors.Join(slow, busy, hanging, b.enter(ctx))
}

// enter makes the besieger's tenant and its key.
func (b *besieger) enter(ctx context.Context) error {
	_, err := b.must(ctx, "TenantService/CreateTenant", map[string]any{"tenant": map[string]any{"name": besiegingTenant}})
	if err != nil {
		return err
	}
	answer, err := b.must(ctx, "ApiKeyService/CreateApiKey", map[string]any{"apiKey": map[string]any{
		"name": besiegingTenant, "tenant": besiegingTenant, "scopes": []string{"API_KEY_SCOPE_ADMIN"},
	}})
	if err != nil {
		return err
	}
	var made struct{ Secret string }
	err = json.Unmarshal(answer, &made)
	b.key = made.Secret
	return err
}

// newEndpoint serves for as long as the process lives.
func newEndpoint(answer http.HandlerFunc) (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: answer, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// newHangingEndpoint accepts connections and never says a word.
func newHangingEndpoint() (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		return "", err
	}
	held := &swallower{Listener: listener}
	held.swallow()
	go func() { _, _ = held.Accept() }()
	return "http://" + listener.Addr().String(), nil
}

// must makes an administrator's call that has to succeed, before the siege.
func (b *besieger) must(ctx context.Context, procedure string, message any) ([]byte, error) {
	status, answer, err := b.call(ctx, adminKey, procedure, message)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", procedure, status, answer)
	}
	return answer, err
}

// call makes one call of the contract in JSON.
func (b *besieger) call(ctx context.Context, key, procedure string, message any) (int, []byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return 0, nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if key != "" {
		header.Set("Authorization", "Bearer "+key)
	}
	return b.post(ctx, "/postrider.v1."+procedure, header, bytes.NewReader(body))
}

func (b *besieger) post(ctx context.Context, path string, header http.Header, body io.Reader) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.url()+path, body)
	if err != nil {
		return 0, nil, err
	}
	request.Header = header
	return b.do(request)
}

func (b *besieger) do(request *http.Request) (int, []byte, error) {
	response, err := b.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, answer, err
}

// subscribe makes a subscription of the besieging tenant.
func (b *besieger) subscribe(ctx context.Context, name, url string, filter map[string]any, policy map[string]any) error {
	status, answer, err := b.call(ctx, b.key, "SubscriptionService/CreateSubscription", map[string]any{"subscription": map[string]any{
		"name": name, "filter": filter, "start": "earliest", "policy": policy, "target": map[string]any{"webhook": map[string]any{"url": url}},
	}})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("subscription %s: %d %s", name, status, answer)
	}
	return err
}

// publish publishes an event of the besieging tenant.
func (b *besieger) publish(ctx context.Context, eventType string, data any) string {
	status, _, err := b.call(ctx, b.key, "EventService/Publish", map[string]any{"event": map[string]any{"type": eventType, "data": data}})
	return outcome(status, err)
}

// outcome is how a request ended, in a word.
func outcome(status int, err error) string {
	if err != nil {
		return "cut"
	}
	return fmt.Sprint(status)
}

// note counts how a step of an attack ended.
func (b *besieger) note(attack, outcome string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.outcomes[attack] == nil {
		b.outcomes[attack] = map[string]int{}
	}
	b.outcomes[attack][outcome]++
}

// prepare sets up what is there before the siege begins.
func (b *besieger) prepare(ctx context.Context) error {
	for _, a := range b.attacks {
		if a.prepare != nil {
			if err := a.prepare(ctx, b); err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
		}
	}
	return nil
}

// attack makes all attacks at once until ctx ends.
func (b *besieger) attack(ctx context.Context) {
	var attacking sync.WaitGroup
	defer attacking.Wait()
	for _, a := range b.attacks {
		attacking.Go(func() { a.run(ctx, b) })
	}
}
