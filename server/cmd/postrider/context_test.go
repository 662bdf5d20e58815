package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// account is somebody on another machine: without the server's data folder, with a configuration folder.
type account struct {
	t         *testing.T
	folder    string
	variables map[string]string
}

func (a *account) run(stdin string, args ...string) outcome {
	a.t.Helper()
	var stdout, stderr bytes.Buffer
	code := execute(a.t.Context(), environment{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		lookup:       func(name string) (string, bool) { value, ok := a.variables[name]; return value, ok },
		configFolder: func() (string, error) { return a.folder, nil },
	}, args)
	return outcome{code, stdout.String(), stderr.String()}
}

func (a *account) file() string { return filepath.Join(a.folder, "postrider", contextsFile) }

func newAccount(t *testing.T) *account {
	t.Helper()
	return &account{t: t, folder: t.TempDir(), variables: map[string]string{"POSTRIDER_DATA": t.TempDir()}}
}

func TestLoginStoresAContext(t *testing.T) {
	t.Parallel()
	i, a := newInstance(t), newAccount(t)
	key := strings.TrimSpace(i.must("", "keys", "create", "shop", "--scopes", "publish,consume"))
	if got := a.run("prk_wrong\n", "login", i.url); got.code != exitUnreachable || !strings.Contains(got.stderr, "does not accept the key") {
		t.Errorf("a wrong key: %+v", got)
	}
	if _, err := os.Stat(a.file()); err == nil {
		t.Error("a wrong key was stored")
	}
	got := a.run(key+"\n", "login", i.url+"/", "--name", "prod")
	if got.code != exitOK || strings.Contains(got.stdout+got.stderr, key) || !strings.Contains(got.stdout, `context "prod"`) {
		t.Fatalf("login: %+v", got)
	}
	if info, err := os.Stat(a.file()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	if got := a.run("", "publish", "order.created", "{}"); got.code != exitOK {
		t.Errorf("publish: %+v", got)
	}
	// A key in the environment goes to the server that was meant before there were contexts.
	a.variables[keyVariable] = key
	if got := a.run("", "status"); !strings.Contains(got.stdout+got.stderr, "http://127.0.0.1:8080 (the default") {
		t.Errorf("with a key in the environment: %+v", got)
	}
	delete(a.variables, keyVariable)
	if got := a.run("", "contexts", "list", "--json"); !strings.Contains(got.stdout, `"name":"prod"`) || strings.Contains(got.stdout, key) {
		t.Errorf("list: %+v", got)
	}
	// The key of a context is for its server alone.
	if got := a.run("", "publish", "order.created", "{}", "--server", "http://gateway.invalid"); got.code != exitUnreachable || !strings.Contains(got.stderr, "there is no API key") {
		t.Errorf("another server: %+v", got)
	}
	if got := a.run("", "status", "--context", "prd"); got.code != exitUsage || !strings.Contains(got.stderr, `did you mean "prod"?`) {
		t.Errorf("a mistyped context: %+v", got)
	}
	if got := a.run("", "contexts", "remove", "prod"); got.code != exitOK {
		t.Errorf("remove: %+v", got)
	}
	if text, err := os.ReadFile(a.file()); err != nil || strings.Contains(string(text), key) {
		t.Errorf("after removal: %s, %v", text, err)
	}
}

func TestContextsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		mode       os.FileMode
		says       string
	}{
		{"readable by others", `{"contexts":{}}`, 0o644, "chmod 600"},
		{"no JSON", `{"contexts":`, 0o600, "damaged"},
		{"no server", `{"contexts":{"a":{"key":"k"}}}`, 0o600, "damaged"},
		{"too large", strings.Repeat(" ", maxContextsBytes+1), 0o600, "larger"},
	} {
		a := newAccount(t)
		if err := os.MkdirAll(filepath.Dir(a.file()), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(a.file(), []byte(test.text), test.mode); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"contexts", "list"}, {"events", "list"}, {"login", "http://127.0.0.1:1"}} {
			if got := a.run("k\n", args...); got.code != exitFailed || !strings.Contains(got.stderr, test.says) || !strings.Contains(got.stderr, a.file()) {
				t.Errorf("%s, %v: %+v, want it to say %q", test.name, args, got, test.says)
			}
		}
	}
}

func TestStatusAndHealth(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "subscriptions", "create", "billing", "--url", "http://127.0.0.1:1/")
	i.must("", "subscriptions", "pause", "billing")
	var shown status
	if err := json.Unmarshal([]byte(i.must("", "status", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	if counts := shown.Subscriptions; shown.Server != i.url || !shown.Ready || shown.Key != "admin" || counts == nil || counts.Total != 1 || counts.Paused != 1 {
		t.Errorf("status: %+v", shown)
	}
	if text := i.must("", "status"); !strings.Contains(text, i.url+" (from POSTRIDER_URL)") || !strings.Contains(text, "1: 0 failing, 0 held, 1 paused, 0 disabled") {
		t.Errorf("status: %s", text)
	}
	publisher := strings.TrimSpace(i.must("", "keys", "create", "shop", "--scopes", "publish"))
	got := runWith(t.Context(), map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_API_KEY": publisher}, "", "status")
	if got.code != exitOK || strings.Contains(got.stdout, "Subscriptions") || strings.Contains(got.stdout, publisher) {
		t.Errorf("status for a publisher: %+v", got)
	}
	if got := runWith(t.Context(), map[string]string{"POSTRIDER_URL": i.url}, "", "health"); got.code != exitOK || got.stdout != i.url+" is ready\n" {
		t.Errorf("health without a key: %+v", got)
	}
}

func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	for _, id := range []string{"e1", "e2", "e3"} {
		i.must("", "events", "publish", "order.created", `{"big":9007199254740993}`, "--id", id)
	}
	i.must("", "publish", "other", "{}")
	lines := strings.Split(strings.TrimSpace(i.must("", "events", "list", "--types", "order.*", "--limit", "2", "--ndjson")), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"id":"e3"`) || !strings.Contains(lines[1], `"data":{"big":9007199254740993}`) {
		t.Errorf("lines %q", lines)
	}
	var all []struct{ ID string }
	if err := json.Unmarshal([]byte(i.must("", "events", "list", "--limit", "0", "--json")), &all); err != nil || len(all) != 4 {
		t.Errorf("%v, %v", all, err)
	}
	if shown := i.must("", "events", "get", "e2"); !strings.Contains(shown, "order.created") || !strings.Contains(shown, `{"big":9007199254740993}`) {
		t.Errorf("shown: %s", shown)
	}
}

func TestCompletionKnowsNames(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "subscriptions", "create", "billing", "--url", "http://127.0.0.1:1/")
	for _, test := range []struct {
		line []string
		want string
	}{
		{[]string{"subscriptions", "pause", "b"}, "billing\n"},
		{[]string{"publish", "shop.v1.OrderP"}, "shop.v1.OrderPaid\n"},
		{[]string{"tail", "--types", "shop.v1.OrderC"}, "shop.v1.OrderCancelled\nshop.v1.OrderCreated\n"},
		{[]string{"deliveries", "list", "--state", ""}, "pending\nretrying\ndelivered\ndead\n"},
		{[]string{"completion", "b"}, "bash\n"},
		{[]string{"subsc"}, "subscriptions\t"},
	} {
		if got := i.must("", append([]string{"__complete"}, test.line...)...); !strings.HasPrefix(got, test.want) {
			t.Errorf("%v: %q, want %q", test.line, got, test.want)
		}
	}
	nobody := runWith(t.Context(), map[string]string{"POSTRIDER_URL": "http://127.0.0.1:1", "POSTRIDER_API_KEY": "k"}, "", "__complete", "subscriptions", "pause", "b")
	if nobody.code != exitOK || !strings.HasPrefix(nobody.stdout, ":") {
		t.Errorf("without a server: %+v", nobody)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if script := i.must("", "completion", shell); !strings.Contains(script, "postrider") {
			t.Errorf("%s: %.100q", shell, script)
		}
	}
}

func TestLoginMendsAFileWithoutContexts(t *testing.T) {
	t.Parallel()
	i, a := newInstance(t), newAccount(t)
	if err := os.MkdirAll(filepath.Dir(a.file()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file(), []byte(`{"contexts":null}`), 0o600); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(i.must("", "keys", "create", "shop", "--scopes", "publish"))
	if got := a.run(key+"\n", "login", i.url); got.code != exitOK {
		t.Errorf("login: %+v", got)
	}
}
