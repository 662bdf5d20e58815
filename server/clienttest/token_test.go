package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

// newKey makes a key that may publish and consume.
func newKey(t *testing.T, keys postriderv1connect.ApiKeyServiceClient, name string) *postriderv1.CreateApiKeyResponse {
	t.Helper()
	created, err := keys.CreateApiKey(soon(t), withKey(&postriderv1.CreateApiKeyRequest{ApiKey: &postriderv1.ApiKey{
		Name: name, Tenant: "default", Scopes: []postriderv1.ApiKeyScope{postriderv1.ApiKeyScope_API_KEY_SCOPE_PUBLISH, postriderv1.ApiKeyScope_API_KEY_SCOPE_CONSUME},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	return created.Msg
}

// newClientOfTwoKeys returns a client of a server of its own, and what replaces the key that it shows by another one and
// revokes it.
func newClientOfTwoKeys(t *testing.T) (c *client.Client, replaceKey func()) {
	t.Helper()
	url := newServer(t)
	keys := postriderv1connect.NewApiKeyServiceClient(http.DefaultClient, url)
	first, second := newKey(t, keys, "first"), newKey(t, keys, "second")
	var current atomic.Pointer[string]
	current.Store(&first.Secret)
	c = client.New(url, client.WithToken(func(context.Context) (string, error) { return *current.Load(), nil }))
	return c, func() {
		t.Helper()
		current.Store(&second.Secret)
		if _, err := keys.RevokeApiKey(soon(t), withKey(&postriderv1.RevokeApiKeyRequest{Id: first.GetApiKey().GetId()})); err != nil {
			t.Fatal(err)
		}
	}
}

// A key that is revoked while a stream lasts is replaced by the next one, and the stream goes on where it was.
func TestAKeyIsReplacedWhileAStreamLasts(t *testing.T) {
	t.Parallel()
	c, replaceKey := newClientOfTwoKeys(t)
	publish(t, c, "0")
	publish(t, c, "1")
	var states []client.Status
	next := 0
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest),
		client.OnStatus(func(s client.Status) { states = append(states, s) })) {
		if err != nil || event.Message.GetOrderId() != fmt.Sprint(next) {
			t.Fatalf("got %v, %v, want order %d", event, err, next)
		}
		if next++; next == 3 {
			break
		}
		if next == 2 {
			replaceKey()
			publish(t, c, "2")
			if _, err := c.Publish(soon(t), cancelled("another type")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := []client.Status{client.Connecting, client.CatchingUp}; !slices.Equal(states[:2], want) {
		t.Errorf("the states begin with %v, want %v", states, want)
	}
}

// A publish whose key was refused is made again with the next one; a key that never changes is refused once.
func TestAPublishAsksForANewKey(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	asked := 0
	c := client.New(url, client.WithToken(func(context.Context) (string, error) {
		if asked++; asked == 1 {
			return "an-old-key", nil
		}
		return adminKey, nil
	}))
	publish(t, c, "1")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	if _, err := client.New(url, client.WithKey("an-old-key")).Publish(soon(t), paid("1")); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("got %v", err)
	}
	vault := errors.New("the vault is closed")
	closed := client.New(url, client.WithToken(func(context.Context) (string, error) { return "", vault }))
	if _, err := closed.Publish(soon(t), paid("1")); !errors.Is(err, vault) {
		t.Errorf("got %v, want the error of the function", err)
	}
}

// Regression (issue 8, 21): a stream whose first key was refused ended, while a publish asked for the next one. A caller who
// never has a good key gets the error.
func TestAStreamAsksForANewKeyAtItsFirstConnection(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	publish(t, client.New(url, client.WithKey(adminKey)), "1")
	var asked atomic.Int32
	c := client.New(url, client.WithToken(func(context.Context) (string, error) {
		if asked.Add(1) <= 2 {
			return "an-old-key", nil
		}
		return adminKey, nil
	}))
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest)) {
		if err != nil || event.Message.GetOrderId() != "1" {
			t.Errorf("got %v, %v", event, err)
		}
		break
	}
	asked.Store(0)
	stream := c.PublishStream(soon(t))
	if err := stream.Publish(soon(t), paid("2")); err != nil {
		t.Error(err)
	}
	if summary, err := stream.Close(soon(t)); err != nil || summary.Stored != 1 {
		t.Errorf("%+v, %v", summary, err)
	}
	var tries atomic.Int32
	never := client.New(url, client.WithToken(func(context.Context) (string, error) {
		tries.Add(1)
		return "an-old-key", nil
	}))
	for _, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), never) {
		if connect.CodeOf(err) != connect.CodeUnauthenticated || tries.Load() < 2 {
			t.Errorf("%v after %d keys", err, tries.Load())
		}
	}
}
