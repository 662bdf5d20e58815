package clienttest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

// Regression (issue 8, 21): what cannot be sent was repeated as if the network were lost. It ends every call at once, and
// nothing is sent.
func TestMistakesEndACallAtOnce(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	none := through(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("something was sent") })
	newClient := func(url string, options ...client.Option) *client.Client {
		return client.New(url, append(options, none)...)
	}
	const url = "http://away.test"
	for name, c := range map[string]*client.Client{
		"no URL":                  newClient(""),
		"no scheme":               newClient("events.example.com"),
		"a port without a scheme": newClient("localhost:8080"),
		"a path":                  newClient("/postrider"),
		"another scheme":          newClient("ftp://events.example.com"),
		"no host":                 newClient("https://"),
		"a query":                 newClient("https://events.example.com?tenant=a"),
		"no URL at all":           newClient("http://user:" + secret + "@[::1"),
		"a key with a line break": newClient(url, client.WithKey(secret+"\n")),
		"a key with a NUL":        newClient(url, client.WithKey(secret+"\x00")),
		"a token with a line break": newClient(url, client.WithToken(func(context.Context) (string, error) {
			return secret + "\r\nX-Admin: 1", nil
		})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectMistakes(t, c, secret)
		})
	}
	t.Run("a subject that is no UTF-8", func(t *testing.T) {
		t.Parallel()
		c := newClient(url)
		_, err := c.Publish(soon(t), paid("1"), client.Subject("\xff"))
		expectMistake(t, err)
		_, err = c.PublishBatch(soon(t), event(t, paid("1"), client.Subject("\xff")))
		expectMistake(t, err)
		stream := c.PublishStream(soon(t))
		expectMistake(t, stream.Publish(soon(t), paid("1"), client.Subject("\xff")))
		if _, err := stream.Close(soon(t)); err != nil {
			t.Errorf("the stream ended with %v", err)
		}
	})
	for name, option := range map[string]client.SubscribeOption{
		"no heartbeat":             client.Heartbeat(0),
		"a negative heartbeat":     client.Heartbeat(-time.Second),
		"a heartbeat of an hour":   client.Heartbeat(time.Hour),
		"an empty list of types":   client.Types([]string{}...),
		"no types":                 client.Types(),
		"a filter without types":   client.NamedFilter("a", "", []string{}...),
		"a type that is no UTF-8":  client.Types("\xff"),
		"a start that is no UTF-8": client.Start("\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectMistake(t, firstError(t, newClient(url), option))
		})
	}
}

func expectMistakes(t *testing.T, c *client.Client, secret string) {
	t.Helper()
	stream := c.PublishStream(soon(t))
	_ = stream.Publish(soon(t), paid("1"))
	_, streamed := stream.Close(soon(t))
	_, published := c.Publish(soon(t), paid("1"))
	_, batched := c.PublishBatch(soon(t), event(t, paid("1")))
	for _, err := range []error{published, batched, streamed, firstError(t, c)} {
		expectMistake(t, err)
		if strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("%v shows what is secret", err)
		}
	}
}

func expectMistake(t *testing.T, err error) {
	t.Helper()
	if connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("got %v", err)
	}
}

// firstError is what a stream begins with.
func firstError(t *testing.T, c *client.Client, options ...client.SubscribeOption) error {
	t.Helper()
	for _, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, options...) {
		return err
	}
	return nil
}
