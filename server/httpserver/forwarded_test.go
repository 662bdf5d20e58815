package httpserver_test

import (
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// The client here is at 127.0.0.1, and a proxy when that is trusted.
func TestAddressOfClientsBehindProxies(t *testing.T) {
	t.Parallel()
	proxy, none := []string{"127.0.0.0/8", "10.0.0.7/32", "2001:db8::/32"}, []string(nil)
	for name, tt := range map[string]struct {
		trusted, forwarded []string
		want               string
	}{
		"no proxy is trusted":                {none, []string{"192.0.2.1"}, "127.0.0.1"},
		"another proxy is trusted":           {[]string{"10.0.0.0/8"}, []string{"192.0.2.1"}, "127.0.0.1"},
		"no header":                          {proxy, nil, "127.0.0.1"},
		"a client":                           {proxy, []string{"192.0.2.1"}, "192.0.2.1"},
		"a client with its port":             {proxy, []string{"192.0.2.1:4711"}, "192.0.2.1"},
		"IPv6":                               {proxy, []string{"2001:db9::1"}, "2001:db9::1"},
		"IPv6 in brackets":                   {proxy, []string{"[2001:db9::1]"}, "2001:db9::1"},
		"IPv6 with its port":                 {proxy, []string{"[2001:db9::1]:4711"}, "2001:db9::1"},
		"IPv4 in IPv6":                       {proxy, []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		"what a client claims":               {proxy, []string{"198.51.100.9, 192.0.2.1"}, "192.0.2.1"},
		"what a client claims, in a field":   {proxy, []string{"198.51.100.9", "192.0.2.1"}, "192.0.2.1"},
		"two proxies":                        {proxy, []string{"198.51.100.9, 192.0.2.1, 10.0.0.7"}, "192.0.2.1"},
		"a claim to be a proxy":              {proxy, []string{"10.0.0.7, 192.0.2.1"}, "192.0.2.1"},
		"only proxies":                       {proxy, []string{"10.0.0.7"}, "10.0.0.7"},
		"no address":                         {proxy, []string{"unknown"}, "127.0.0.1"},
		"no address before that of a proxy":  {proxy, []string{"192.0.2.1, _hidden, 10.0.0.7"}, "10.0.0.7"},
		"nothing, and commas":                {proxy, []string{", ,"}, "127.0.0.1"},
		"a trusted address with a zone":      {proxy, []string{"192.0.2.1, 2001:db8::1%eth0"}, "192.0.2.1"},
		"a single trusted address, not near": {[]string{"127.0.0.2/32"}, []string{"192.0.2.1"}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := httpserver.Config{API: func(mux *http.ServeMux) {
				mux.HandleFunc("/address", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })
			}}
			for _, one := range tt.trusted {
				config.TrustedProxies = append(config.TrustedProxies, netip.MustParsePrefix(one))
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, start(t, config)+"/address", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header["X-Forwarded-For"] = tt.forwarded
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			got := string(body)
			if at, err := netip.ParseAddrPort(got); err == nil {
				got = at.Addr().String()
			}
			if err != nil || got != tt.want {
				t.Errorf("the address is %q (%v), want %q", body, err, tt.want)
			}
		})
	}
}
