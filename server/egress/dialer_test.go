package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
)

func TestDoDialsOnlyPermittedAddresses(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	target := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, guard := range []egress.Guard{
		{},
		{Allow: parseAllow(t, "10.0.0.0/8")},
		{Resolver: resolver{"receiver.example": {"127.0.0.1"}}},
	} {
		client := newClient(t, egress.Config{Guard: guard})
		for _, scheme := range []string{"http", "https"} {
			for _, host := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "receiver.example", "localhost"} {
				request := post(t, strings.Replace(named(t, target, host), "http", scheme, 1), "{}")
				_, err := client.Do(t.Context(), request)
				var e *egress.Error
				if !errors.As(err, &e) || e.Kind != egress.KindRefused && e.Kind != egress.KindDNS {
					t.Errorf("%s over %s: %v", host, scheme, err)
				}
			}
		}
	}
	if reached.Load() {
		t.Error("a refused address was reached")
	}
}

// rebinder gives a public address to whoever asks first and a loopback address from then on.
type rebinder struct{ asked atomic.Int64 }

func (r *rebinder) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked.Add(1) == 1 {
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestRebindingGainsNothing(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	target := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	client := newClient(t, egress.Config{Guard: egress.Guard{Resolver: new(rebinder)}})
	target = strings.Replace(named(t, target, "rebind.example"), "http", "https", 1)
	if err := client.Guard().CheckURL(t.Context(), target); err != nil {
		t.Fatalf("first lookup: %v", err)
	}
	_, err := client.Do(t.Context(), post(t, target, "{}"))
	expectKind(t, err, egress.KindRefused)
	if reached.Load() {
		t.Error("the loopback address was reached")
	}
}

func TestPlainHTTPStaysInsideTheAllowList(t *testing.T) {
	t.Parallel()
	dialled := make(chan string, 1)
	client := newClient(t, egress.Config{
		Guard: egress.Guard{Resolver: resolver{"public.example": {"93.184.216.34"}}},
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			dialled <- address
			return nil, errors.New("enough")
		},
	})
	_, err := client.Do(t.Context(), post(t, "http://public.example/", "{}"))
	expectKind(t, err, egress.KindRefused)
	_, err = client.Do(t.Context(), post(t, "https://public.example/", "{}"))
	expectKind(t, err, egress.KindOther)
	if got := <-dialled; got != "93.184.216.34:443" || len(dialled) != 0 {
		t.Errorf("dialled %q and %d more", got, len(dialled))
	}
}

func TestARefusedAddressDoesNotHideAPermittedOne(t *testing.T) {
	t.Parallel()
	target := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for _, addrs := range [][]string{
		{"10.0.0.1", "127.0.0.1"},
		{"::1", "127.0.0.1"},
		{"127.0.0.2", "127.0.0.1"}, // nobody listens on the first
	} {
		client := newClient(t, egress.Config{
			Guard: egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{"mixed.example": addrs}},
		})
		result, err := client.Do(t.Context(), post(t, named(t, target, "mixed.example"), "{}"))
		if err != nil || !strings.HasPrefix(result.Address, "127.0.0.1:") {
			t.Errorf("%v: reached %q, error %v", addrs, result.Address, err)
		}
	}
}

func TestSilentAddressIsOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newMemory(func(w http.ResponseWriter, _ *http.Request) {})
		client := egress.New(egress.Config{
			Guard: egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{"two.example": {"127.0.0.9", "127.0.0.1"}}},
			Dial: func(ctx context.Context, kind, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "127.0.0.9:") {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return network.dial(ctx, kind, address)
			},
		})
		result, err := client.Do(t.Context(), post(t, "http://two.example/", "{}"))
		if err != nil || result.Address != "127.0.0.1:80" || result.Timings.Connect != 300*time.Millisecond {
			t.Errorf("result %+v, error %v", result, err)
		}
		client.CloseIdle()
		network.close()
	})
}

func TestConnectTimeIsBoundedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := egress.New(egress.Config{
			Guard: loopback(t),
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		start := time.Now()
		request := post(t, "http://127.0.0.1/", "{}")
		request.Timeout = time.Minute
		_, err := client.Do(t.Context(), request)
		expectKind(t, err, egress.KindTimeout)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}
