package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider-dev/postrider/server"
)

// instance is a running server, and the environment of somebody on its machine.
type instance struct {
	t       *testing.T
	url     string
	stop    func() error
	folders string
}

func startServer(t *testing.T, config server.Config) *instance {
	t.Helper()
	running, err := server.New(t.Context(), config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	i := &instance{t: t, url: running.URL(), folders: config.Data}
	i.stop = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-ended, running.Close())
	})
	t.Cleanup(func() {
		if err := i.stop(); err != nil {
			t.Error(err)
		}
	})
	return i
}

func newInstance(t *testing.T) *instance {
	t.Helper()
	return startServer(t, newConfig(t))
}

func newConfig(t *testing.T) server.Config {
	t.Helper()
	config := server.DefaultConfig()
	config.Listen, config.Data = "127.0.0.1:0", t.TempDir()
	config.Schemas = "../../../gen/descriptors/shop.v1.binpb"
	config.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	config.NATSServers = []string{"127.0.0.1", "127.0.0.2"}
	return config
}

// outcome is what a command left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs a command with the environment of this instance.
func (i *instance) run(stdin string, args ...string) outcome {
	i.t.Helper()
	return runWith(i.t.Context(), map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_DATA": i.folders}, stdin, args...)
}

func runWith(ctx context.Context, variables map[string]string, stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := execute(ctx, environment{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
	}, args)
	return outcome{code, stdout.String(), stderr.String()}
}

// must is run for a command that has to succeed.
func (i *instance) must(stdin string, args ...string) string {
	i.t.Helper()
	got := i.run(stdin, args...)
	if got.code != exitOK {
		i.t.Fatalf("postrider %s: exit %d: %s", strings.Join(args, " "), got.code, got.stderr)
	}
	return got.stdout
}

func TestPublish(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, []byte(`{"from":"file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ndjson := `{"id":"n1","type":"order.created","subject":"7","time":"2026-01-02T03:04:05Z","data":{"big":9007199254740993}}

{"id":"n2","type":"order.created","data":{"from":"ndjson"}}
`
	i.must("", "publish", "order.created", `{"from":"argument"}`, "--id", "a1")
	i.must("", "publish", "order.created", "--file", file)
	i.must(`{"from":"stdin"}`, "publish", "order.created")
	if out := i.must(ndjson, "publish", "--ndjson", "-"); out != "2 published, 0 of them duplicates\n" {
		t.Errorf("printed %q", out)
	}
	if out := i.must(ndjson, "publish", "--ndjson", "-"); out != "2 published, 2 of them duplicates\n" {
		t.Errorf("again printed %q", out)
	}
	i.must(`{"from":"lines"}`, "publish", "order.closed", "--ndjson", "-")
	i.must("", "publish", "shop.v1.CustomerRegistered", `{"customerId":"0b9c2f2e-6a53-4a6c-9a53-0c8a3f0f4a11","email":"a@example.com",`+
		`"displayName":"A","tier":"CUSTOMER_TIER_PLUS","registerTime":"2026-01-02T03:04:05Z"}`)

	lines := strings.Split(strings.TrimSpace(i.must("", "tail", "--start", "earliest", "--json", "--count", "7")), "\n")
	for at, want := range []string{
		`"data":{"from":"argument"}`, `"data":{"from":"file"}`, `"data":{"from":"stdin"}`, `"data":{"big":9007199254740993}`,
		`"data":{"from":"ndjson"}`, `"type":"order.closed"`, `"tier":"CUSTOMER_TIER_PLUS"`,
	} {
		if !json.Valid([]byte(lines[at])) || !strings.Contains(lines[at], want) {
			t.Errorf("line %d is %s, want it to have %s", at+1, lines[at], want)
		}
	}
	one := i.must("", "tail", "--start", "earliest", "--json", "--count", "1", "--types", "order.*", "--expression", `event.data.from == "stdin"`)
	if !strings.Contains(one, `"data":{"from":"stdin"}`) {
		t.Errorf("by an expression: %s", one)
	}
	ack := i.must("", "publish", "order.created", `{"from":"argument"}`, "--id", "a1", "--json")
	if !strings.Contains(ack, `"duplicate":true`) || !strings.Contains(ack, `"id":"a1"`) {
		t.Errorf("acknowledgement %s", ack)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	const nobody = "http://127.0.0.1:1" // Not a port that is free by chance: another test may be given it.
	good := map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_DATA": i.folders}
	with := func(name, value string) map[string]string {
		changed := map[string]string{name: value}
		for n, v := range good {
			if n != name {
				changed[n] = v
			}
		}
		return changed
	}
	tests := []struct {
		name      string
		variables map[string]string
		args      []string
		code      int
		says      string
	}{
		{"done", good, []string{"publish", "a", "{}"}, exitOK, ""},
		{"version", good, []string{"version"}, exitOK, ""},
		{"unknown command", good, []string{"frobnicate"}, exitUsage, "frobnicate"},
		{"unknown subcommand", good, []string{"keys", "frobnicate"}, exitUsage, "frobnicate"},
		{"unknown flag", good, []string{"tail", "--nope"}, exitUsage, "--nope"},
		{"missing argument", good, []string{"publish"}, exitUsage, "TYPE"},
		{"too many arguments", good, []string{"publish", "a", "{}", "{}"}, exitUsage, "one DATA"},
		{"no types to watch", good, []string{"tail", "--types", ""}, exitUsage, "--types"},
		{"no expression to watch", good, []string{"tail", "--expression="}, exitUsage, "--expression"},
		{"no types to subscribe to", good, []string{"subscriptions", "create", "s", "--url", "http://127.0.0.1:1/", "--types="}, exitUsage, "--types"},
		{"no target", good, []string{"subscriptions", "create", "s"}, exitUsage, "--target"},
		{"unknown target", good, []string{"subscriptions", "create", "s", "--target", "pigeon"}, exitUsage, "pigeon"},
		{"flags of two targets", good, []string{"subscriptions", "create", "s", "--url", "http://127.0.0.1:1/", "--nats-subject", "a"}, exitUsage, "--url"},
		{"no types to pull", good, []string{"types", "pull", "/nowhere/at-all", "--types="}, exitUsage, "--types"},
		{"no scopes", good, []string{"keys", "create", "k"}, exitUsage, "--scopes"},
		{"bad setting", good, []string{"serve", "--listen", "nowhere"}, exitUsage, "--listen"},
		{"file that is not there", good, []string{"publish", "a", "--file", "/nowhere/at-all"}, exitFailed, "/nowhere/at-all"},
		{"refused data", good, []string{"publish", "a", "{"}, exitRefused, "event.data"},
		{"refused type", good, []string{"publish", "a b", "{}"}, exitRefused, "event.type"},
		{"not there", good, []string{"subscriptions", "get", "nobody"}, exitRefused, "nobody"},
		{"wrong key", with("POSTRIDER_API_KEY", "prk_wrong"), []string{"publish", "a", "{}"}, exitUnreachable, "key"},
		{"no key", with("POSTRIDER_DATA", t.TempDir()), []string{"publish", "a", "{}"}, exitUnreachable, "POSTRIDER_API_KEY"},
		{"no key for elsewhere", with("POSTRIDER_URL", "http://gateway.example"), []string{"publish", "a", "{}"}, exitUnreachable, "POSTRIDER_API_KEY"},
		{"nobody there", with("POSTRIDER_URL", nobody), []string{"publish", "a", "{}"}, exitUnreachable, "refused"},
		{"nobody there for tail", with("POSTRIDER_URL", nobody), []string{"tail"}, exitUnreachable, "refused"},
		{"no URL", with("POSTRIDER_URL", "gateway"), []string{"publish", "a", "{}"}, exitUsage, "gateway"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t.Context(), tt.variables, "", tt.args...)
			if got.code != tt.code || !strings.Contains(got.stderr, tt.says) {
				t.Errorf("exit %d, %q; want %d and %q", got.code, got.stderr, tt.code, tt.says)
			}
		})
	}
}

func TestABatchThatFailsNamesTheLine(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	for name, tt := range map[string]struct{ lines, says string }{
		"refused by the server": {"{\"type\":\"a\",\"data\":{}}\n{\"type\":\"a b\",\"data\":{}}\n", "line 1"},
		"not JSON":              {"{\"type\":\"a\",\"data\":{}}\nnonsense\n", "line 2"},
		"unknown field":         {"{\"type\":\"a\",\"dta\":{}}\n", "dta"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := i.run(tt.lines, "publish", "--ndjson", "-"); got.code == exitOK || !strings.Contains(got.stderr, tt.says) {
				t.Errorf("exit %d, %q; want one that names %q", got.code, got.stderr, tt.says)
			}
		})
	}
}

func TestSubscriptionsAndKeys(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	i.must("", "subscriptions", "create", "billing", "--url", hook.URL, "--types", "order.*,payment.*", "--header", "X-Token: abc", "--retry", "5s,1m",
		"--expression", `event.subject != "not this"`)
	if shown := i.must("", "subscriptions", "get", "billing"); !strings.Contains(shown, `event.subject != "not this"`) {
		t.Errorf("the expression is not in %s", shown)
	}
	if out := i.must("", "subscriptions", "get", "billing", "--json"); !strings.Contains(out, `"types":["order.*","payment.*"]`) || !strings.Contains(out, `"retrySchedule":["5s","60s"]`) {
		t.Errorf("get: %s", out)
	}
	if out := i.must("", "subscriptions", "list"); !strings.Contains(out, "billing") || !strings.Contains(out, "active") {
		t.Errorf("list: %s", out)
	}
	if out := i.must("", "subscriptions", "test", "billing"); !strings.HasPrefix(out, "delivered, status 200") {
		t.Errorf("test: %s", out)
	}
	if out := i.must("", "subscriptions", "pause", "billing"); out != "billing is paused\n" {
		t.Errorf("pause: %s", out)
	}
	if out := i.must("", "subscriptions", "resume", "billing"); out != "billing is active\n" {
		t.Errorf("resume: %s", out)
	}
	if out := i.must("", "subscriptions", "secret", "billing"); !strings.HasPrefix(out, "whsec_") {
		t.Errorf("secret: %s", out)
	}
	i.must("", "subscriptions", "delete", "billing")

	i.must("", "tenants", "create", "acme", "--display-name", "Acme Inc.")
	if out := i.must("", "tenants", "list"); !strings.Contains(out, "Acme Inc.") {
		t.Errorf("tenants: %s", out)
	}
	key := strings.TrimSpace(i.must("", "keys", "create", "shop", "--scopes", "publish", "--tenant", "acme"))
	asShop := map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_API_KEY": key}
	if got := runWith(t.Context(), asShop, "", "publish", "a", "{}"); got.code != exitOK {
		t.Errorf("with the new key: exit %d %s", got.code, got.stderr)
	}
	if out := i.must("", "tenants", "update", "acme", "--typed-only"); !strings.Contains(out, "typed only") || !strings.Contains(out, "Acme Inc.") {
		t.Errorf("updated tenant: %s", out)
	}
	if got := runWith(t.Context(), asShop, "", "publish", "a", "{}"); got.code != exitRefused || !strings.Contains(got.stderr, "has no schema") {
		t.Errorf("an event without a schema: exit %d %s", got.code, got.stderr)
	}
	if got := i.run("", "tenants", "update", "acme"); got.code != exitUsage {
		t.Errorf("nothing to change: exit %d %s", got.code, got.stderr)
	}
	var listed []struct{ ID string }
	if err := json.Unmarshal([]byte(i.must("", "keys", "list", "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	i.must("", "keys", "revoke", listed[0].ID)
	if got := runWith(t.Context(), asShop, "", "publish", "a", "{}"); got.code != exitUnreachable {
		t.Errorf("with the revoked key: exit %d", got.code)
	}
}

// lines collects what a command prints, and tells when there is a line.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		l.mu.Lock()
		found := strings.Contains(l.text.String(), text)
		l.mu.Unlock()
		if found {
			return
		}
		select {
		case <-l.more:
		case <-deadline:
			t.Fatalf("%q does not come; there is %q", text, l.text.String())
		}
	}
}

func TestTailGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	config := newConfig(t)
	config.Listen = "127.0.0.3:0" // An address of its own, where nobody else takes the port between two lives.
	first := startServer(t, config)
	stdout, stderr := &lines{more: make(chan struct{}, 1)}, &lines{more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		variables := map[string]string{"POSTRIDER_URL": first.url, "POSTRIDER_DATA": first.folders}
		ended <- execute(ctx, environment{
			stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
			lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		}, []string{"tail", "--start", "earliest"})
	}()
	first.must("", "publish", "order.created", `{"n":1}`)
	stdout.await(t, `{"n":1}`)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	stderr.await(t, "connection refused") // It asks for the server more than once.
	config.Listen = strings.TrimPrefix(first.url, "http://")
	second := startServer(t, config)
	second.must("", "publish", "order.created", `{"n":2}`)
	stdout.await(t, `{"n":2}`)
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("interrupted, it exits with %d", code)
	}
	if n := strings.Count(stdout.text.String(), `{"n":1}`); n != 1 {
		t.Errorf("the first event is shown %d times", n)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s says nothing of itself", cmd.CommandPath())
		}
		if cmd.Parent() != nil && cmd.Parent().Parent() == nil && cmd.Example == "" && cmd.Name() != "version" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, below := range cmd.Commands() {
			check(below)
		}
	}
	check(newCommand(environment{lookup: func(string) (string, bool) { return "", false }}))
}

func TestGreetingHasALineToPaste(t *testing.T) {
	t.Parallel()
	config := server.DefaultConfig()
	config.Listen, config.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "a folder")
	running, err := server.New(t.Context(), config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = running.Close() })
	var out bytes.Buffer
	greet(&out, running)
	key, err := os.ReadFile(running.AdminKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), strings.TrimSpace(string(key))) {
		t.Error("the key itself is printed")
	}
	listen := " listen --print --server " + running.URL() + " --data '" + filepath.Dir(running.AdminKeyPath()) + "'\n"
	for _, want := range []string{running.URL(), listen, "KEY=$(cat '" + running.AdminKeyPath() + "')", `curl -H "Authorization: Bearer $KEY"`, "/postrider.v1.EventService/Publish"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
