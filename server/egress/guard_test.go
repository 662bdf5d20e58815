package egress_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/egress"
)

func TestGuardCheck(t *testing.T) {
	t.Parallel()
	// why is a part of the refusal; "" means permitted over https.
	cases := []struct{ addr, why string }{
		{"93.184.216.34", ""},
		{"1.1.1.1", ""},
		{"8.8.8.8", ""},
		{"9.255.255.255", ""},
		{"11.0.0.0", ""},
		{"100.63.255.255", ""},
		{"100.128.0.0", ""},
		{"126.255.255.255", ""},
		{"128.0.0.1", ""},
		{"169.253.255.255", ""},
		{"169.255.0.1", ""},
		{"172.15.255.255", ""},
		{"172.32.0.0", ""},
		{"192.167.255.255", ""},
		{"192.169.0.1", ""},
		{"198.17.255.255", ""},
		{"198.20.0.1", ""},
		{"223.255.255.255", ""},
		{"2606:4700:4700::1111", ""},
		{"2a00:1450:4001:80b::200e", ""},
		{"::ffff:8.8.8.8", ""},
		{"64:ff9b::8.8.8.8", ""},

		{"0.0.0.0", "unspecified"},
		{"0.1.2.3", "unspecified"},
		{"10.0.0.0", "private"},
		{"10.255.255.255", "private"},
		{"100.64.0.1", "carrier-grade"},
		{"100.127.255.255", "carrier-grade"},
		{"100.100.100.200", "metadata"},
		{"127.0.0.1", "loopback"},
		{"127.255.255.254", "loopback"},
		{"168.63.129.16", "metadata"},
		{"169.254.0.1", "link-local"},
		{"169.254.169.254", "metadata"},
		{"169.254.170.2", "metadata"},
		{"172.16.0.1", "private"},
		{"172.31.255.255", "private"},
		{"192.0.0.1", "protocol"},
		{"192.0.0.192", "metadata"},
		{"192.0.2.1", "documentation"},
		{"192.88.99.1", "6to4"},
		{"192.168.0.1", "private"},
		{"192.168.255.255", "private"},
		{"198.18.0.1", "benchmarking"},
		{"198.19.255.255", "benchmarking"},
		{"198.51.100.7", "documentation"},
		{"203.0.113.7", "documentation"},
		{"224.0.0.1", "multicast"},
		{"239.255.255.255", "multicast"},
		{"240.0.0.1", "reserved"},
		{"255.255.255.255", "broadcast"},

		{"::", "unspecified"},
		{"::1", "loopback"},
		{"::127.0.0.1", "IPv4-compatible"},
		{"::ffff:127.0.0.1", "loopback"},
		{"::ffff:10.1.2.3", "private"},
		{"::ffff:169.254.169.254", "metadata"},
		{"::ffff:0:127.0.0.1", "IPv4-translated"},
		{"64:ff9b::127.0.0.1", "loopback"},
		{"64:ff9b::10.0.0.1", "private"},
		{"64:ff9b::169.254.169.254", "metadata"},
		{"64:ff9b:1::1", "local NAT64"},
		{"64:ff9b:1:7f00:0:100::", "local NAT64"},
		{"64:ff9b:1::8.8.8.8", "local NAT64"},
		{"100::1", "discard"},
		{"2001::1", "Teredo"},
		{"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"},
		{"2001:2::1", "benchmarking"},
		{"2001:10::1", "protocol"},
		{"2001:20::1", "protocol"},
		{"2001:db8::1", "documentation"},
		{"2002:7f00:1::1", "6to4"},
		{"2002:808:808::1", "6to4"},
		{"3fff::1", "documentation"},
		{"4000::1", "not a public"},
		{"5f00::1", "segment routing"},
		{"fc00::1", "unique local"},
		{"fd00:ec2::254", "metadata"},
		{"fd12:3456:789a::1", "unique local"},
		{"fe80::1", "link-local"},
		{"fe80::1%eth0", "one network interface"},
		{"2606:4700::1%eth0", "one network interface"},
		{"fec0::1", "site-local"},
		{"ff02::1", "multicast"},
	}
	for _, c := range cases {
		t.Run(c.addr, func(t *testing.T) {
			t.Parallel()
			err := new(egress.Guard).Check("https", netip.MustParseAddr(c.addr))
			expectRefusal(t, err, c.why)
		})
	}
	t.Run("no address", func(t *testing.T) {
		t.Parallel()
		expectRefusal(t, new(egress.Guard).Check("https", netip.Addr{}), "may not reach")
	})
}

func expectRefusal(t *testing.T, err error, why string) {
	t.Helper()
	if why == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	e := expectKind(t, err, egress.KindRefused)
	if !strings.Contains(e.Message, why) {
		t.Errorf("message %q does not say %q", e.Message, why)
	}
}

func expectKind(t *testing.T, err error, want egress.Kind) *egress.Error {
	t.Helper()
	var e *egress.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want one of kind %v", err, want)
	}
	if e.Kind != want {
		t.Fatalf("error %q is of kind %v, want %v", e, e.Kind, want)
	}
	return e
}

func TestGuardAllow(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, allow, scheme, addr string
		permitted                 bool
	}{
		{"loopback allowed", "127.0.0.0/8", "http", "127.0.0.1", true},
		{"loopback allowed over https", "127.0.0.0/8", "https", "127.9.9.9", true},
		{"mapped form of an allowed address", "127.0.0.0/8", "http", "::ffff:127.0.0.1", true},
		{"allow list written in mapped form", "::ffff:10.0.0.0/104", "http", "10.1.2.3", true},
		{"NAT64 form of an allowed address", "10.0.0.0/8", "http", "64:ff9b::10.0.0.1", true},
		{"NAT64 form of another", "10.0.0.0/8", "https", "64:ff9b::127.0.0.1", false},
		{"other family", "127.0.0.0/8", "http", "::1", false},
		{"single address", "::1", "http", "::1", true},
		{"next to a single address", "10.0.0.7", "http", "10.0.0.8", false},
		{"one of several", "10.0.0.0/8, 192.168.1.0/24", "http", "192.168.1.9", true},
		{"outside all of several", "10.0.0.0/8,192.168.1.0/24", "http", "192.168.2.9", false},
		{"plain http to a public address", "", "http", "93.184.216.34", false},
		{"plain http to an allowed public address", "93.184.216.0/24", "http", "93.184.216.34", true},
		{"unknown scheme", "", "ftp", "93.184.216.34", false},
		{"everything allowed", "0.0.0.0/0,::/0", "http", "169.254.169.254", true},
		{"a zone is never allowed", "::/0", "http", "fe80::1%eth0", false},
		{"bits below the mask", "10.1.2.3/8", "http", "10.200.0.1", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			guard := egress.Guard{Allow: parseAllow(t, c.allow)}
			err := guard.Check(c.scheme, netip.MustParseAddr(c.addr))
			if (err == nil) != c.permitted {
				t.Errorf("Check(%s, %s) = %v", c.scheme, c.addr, err)
			}
		})
	}
}

func parseAllow(t testing.TB, list string) []netip.Prefix {
	t.Helper()
	allow, err := egress.ParseAllow(strings.Split(list, ","))
	if err != nil {
		t.Fatal(err)
	}
	return allow
}

func TestParseAllowRefuses(t *testing.T) {
	t.Parallel()
	for _, item := range []string{"localhost", "10.0.0.0/33", "10.0.0/8", "fe80::1%eth0", "::/129", "/8"} {
		if _, err := egress.ParseAllow([]string{item}); err == nil || !strings.Contains(err.Error(), item) {
			t.Errorf("ParseAllow(%q) = %v, want an error that repeats it", item, err)
		}
	}
}

func TestRefusalSaysHowToAllow(t *testing.T) {
	t.Parallel()
	for addr, hint := range map[string]string{
		"10.0.0.7":      "--allow-targets 10.0.0.7/32",
		"::1":           "--allow-targets ::1/128",
		"93.184.216.34": "--allow-targets 93.184.216.34/32",
	} {
		err := new(egress.Guard).Check("http", netip.MustParseAddr(addr))
		if err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("refusal of %s is %v, want it to say %q", addr, err, hint)
		}
	}
}

// resolver returns from a table; a host that is not in it does not exist.
type resolver map[string][]string

func (r resolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	texts, ok := r[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	addrs := make([]netip.Addr, len(texts))
	for i, text := range texts {
		addrs[i] = netip.MustParseAddr(text)
	}
	return addrs, nil
}

func TestGuardCheckURL(t *testing.T) {
	t.Parallel()
	guard := &egress.Guard{
		Allow: parseAllow(t, "127.0.0.0/8"),
		Resolver: resolver{
			"public.example":   {"93.184.216.34"},
			"public.example.":  {"93.184.216.34"},
			"internal.example": {"10.0.0.1", "fd00::1"},
			"mapped.example":   {"::ffff:10.0.0.1"},
			"metadata.example": {"169.254.169.254"},
			"mixed.example":    {"10.0.0.1", "93.184.216.34"},
			"localhost":        {"::1", "127.0.0.1"},
			"empty.example":    {},
			"under_score":      {"93.184.216.34"},
		},
	}
	cases := []struct {
		url  string
		kind egress.Kind // KindOther stands for permitted
	}{
		{"https://public.example", egress.KindOther},
		{"https://public.example./hook", egress.KindOther},
		{"https://public.example:8443/hook?token=a%20b", egress.KindOther},
		{"HTTPS://public.example/hook", egress.KindOther},
		{"https://under_score/", egress.KindOther},
		{"https://mixed.example/", egress.KindOther},
		{"http://localhost:9900/hook", egress.KindOther},
		{"http://127.0.0.1:9900/hook", egress.KindOther},
		{"http://[::ffff:127.0.0.1]/", egress.KindOther},
		{"https://93.184.216.34/", egress.KindOther},
		{"https://[2606:4700:4700::1111]:443/", egress.KindOther},

		{"http://public.example/", egress.KindRefused},
		{"http://mixed.example/", egress.KindRefused},
		{"https://internal.example/", egress.KindRefused},
		{"https://mapped.example/", egress.KindRefused},
		{"https://metadata.example/", egress.KindRefused},
		{"http://169.254.169.254/latest/meta-data/", egress.KindRefused},
		{"https://10.0.0.1/", egress.KindRefused},
		{"https://0.0.0.0/", egress.KindRefused},
		{"https://[::]/", egress.KindRefused},
		{"https://[::1]/", egress.KindRefused},
		{"https://[::ffff:10.0.0.1]/", egress.KindRefused},
		{"https://[::ffff:a00:1]/", egress.KindRefused},
		{"https://[64:ff9b::a00:1]/", egress.KindRefused},

		{"https://missing.example/", egress.KindDNS},
		{"https://empty.example/", egress.KindDNS},

		{"", egress.KindURL},
		{"public.example/hook", egress.KindURL},
		{"//public.example/hook", egress.KindURL},
		{"ftp://public.example/", egress.KindURL},
		{"file:///etc/passwd", egress.KindURL},
		{"gopher://127.0.0.1:6379/_PING", egress.KindURL},
		{"javascript:alert(1)", egress.KindURL},
		{"http:public.example", egress.KindURL},
		{"http:///hook", egress.KindURL},
		{"http://:80/", egress.KindURL},
		{"https://user@public.example/", egress.KindURL},
		{"https://user:pass@public.example/", egress.KindURL},
		{"https://public.example@127.0.0.1/", egress.KindURL},
		{"https://public.example/#fragment", egress.KindURL},
		{"https://public.example/#", egress.KindURL},
		{"https://public.example#@127.0.0.1/", egress.KindURL},
		{`https://public.example\@127.0.0.1/`, egress.KindURL},
		{"https://public.example:0/", egress.KindURL},
		{"https://public.example:65536/", egress.KindURL},
		{"https://public.example:/", egress.KindURL},
		{"https://public.example:8o/", egress.KindURL},
		{"https://2130706433/", egress.KindURL},
		{"https://017700000001/", egress.KindURL},
		{"https://0x7f000001/", egress.KindURL},
		{"https://0x7F.1/", egress.KindURL},
		{"https://0177.0.0.1/", egress.KindURL},
		{"https://127.1/", egress.KindURL},
		{"https://127.0.0.1./", egress.KindURL},
		{"https://127.0.0.0x1/", egress.KindURL},
		{"https://1.2.3.4.5/", egress.KindURL},
		{"https://256.256.256.256/", egress.KindURL},
		{"https://0x/", egress.KindURL},
		{"https://[::1%25eth0]/", egress.KindURL},
		{"https://[fe80::1%25eth0]/", egress.KindURL},
		{"https://[127.0.0.1]/", egress.KindURL},
		{"https://[::1/", egress.KindURL},
		{"https://::1/", egress.KindURL},
		{"https://①②⑦.⓪.⓪.①/", egress.KindURL},
		{"https://ｌocalhost/", egress.KindURL},
		{"https://localhost%00.public.example/", egress.KindURL},
		{"https://public.example%2f@127.0.0.1/", egress.KindURL},
		{"https://public..example/", egress.KindURL},
		{"https://./", egress.KindURL},
		{"https://.public.example/", egress.KindURL},
		{"https://pub lic.example/", egress.KindURL},
		{"https://public.example/\r\nX: y", egress.KindURL},
		{" https://public.example/", egress.KindURL},
		{"https://" + strings.Repeat("a", 64) + ".example/", egress.KindURL},
		{"https://public.example/" + strings.Repeat("a", 2048), egress.KindURL},
	}
	for _, c := range cases {
		t.Run(c.url, func(t *testing.T) {
			t.Parallel()
			err := guard.CheckURL(t.Context(), c.url)
			if c.kind == egress.KindOther {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			expectKind(t, err, c.kind)
		})
	}
}

func TestCheckURLWithTheSystemResolver(t *testing.T) {
	t.Parallel()
	expectKind(t, new(egress.Guard).CheckURL(t.Context(), "https://localhost/"), egress.KindRefused)
	allowed := egress.Guard{Allow: parseAllow(t, "127.0.0.0/8,::1")}
	if err := allowed.CheckURL(t.Context(), "http://localhost:9900/"); err != nil {
		t.Error(err)
	}
}

func TestCheckURLTellsATimeoutFromARefusal(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	guard := egress.Guard{Resolver: resolver{}}
	expectKind(t, guard.CheckURL(ctx, "https://public.example/"), egress.KindTimeout)
}

func TestURLErrorsKeepTheURLToThemselves(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"https://user:hunter2@public.example/", "https://public.example/hunter2\x7f", "hunter2://x", "https://[hunter2]/",
		"https://missing.example/hunter2?token=hunter2",
	} {
		err := (&egress.Guard{Resolver: resolver{}}).CheckURL(t.Context(), url)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("CheckURL(%q) = %v", url, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"https://public.example:8443/hook?x=1", "http://127.1/", "https://[::ffff:127.0.0.1]/", "https://a@b/",
		"https://0x7f.1/", "http://[fe80::1%25eth0]/", "https:\\\\x", "http://a.b./#",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := egress.ParseURL(raw)
		if err != nil {
			expectKind(t, err, egress.KindURL)
			return
		}
		host := u.Hostname()
		if u.User != nil || u.Fragment != "" || host == "" || strings.ContainsAny(host, "%@/\\ \r\n") {
			t.Errorf("ParseURL(%q) accepted host %q", raw, host)
		}
		if len(u.String()) > 2048 {
			return // escaping made it longer
		}
		again, err := egress.ParseURL(u.String())
		if err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
			t.Errorf("ParseURL(%q) reads its own text as %v, %v", raw, again, err)
		}
	})
}
