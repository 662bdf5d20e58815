package server_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/store"
)

const otherSecretKey = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

// A server without the key that its secrets were sealed with does not start, leaves no other key behind, and starts again
// once the key is back.
func TestALostSecretKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.AdminKey = "the-admin-key-of-this-test"
	s, stop := run(t, c)
	body := `{"subscription":{"name":"orders","filter":{"types":["order.*"]},"target":{"webhook":{"url":"https://1.1.1.1/"}}}}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		s.URL()+"/postrider.v1.SubscriptionService/CreateSubscription", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.AdminKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("create: %d %s", response.StatusCode, text)
	}
	stop()

	path := filepath.Join(c.Data, "secret.key")
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	expectRefused := func(when string) {
		t.Helper()
		s, err := server.New(t.Context(), c, io.Discard)
		if err == nil {
			_ = s.Close()
			t.Fatalf("%s: the server starts", when)
		}
		if !errors.Is(err, store.ErrSecretKeyLost) || !strings.Contains(err.Error(), "Put the file secret.key back") {
			t.Errorf("%s: %v", when, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		expectRefused("lost")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is a key again: %v", err)
		}
	}
	if err := os.WriteFile(path, []byte(otherSecretKey), 0o600); err != nil {
		t.Fatal(err)
	}
	expectRefused("another one")
	c.SecretKey = otherSecretKey
	expectRefused("another one in the environment")

	c.SecretKey = otherSecretKey + "," + strings.TrimSpace(string(key))
	_, stop = run(t, c)
	stop()
}
