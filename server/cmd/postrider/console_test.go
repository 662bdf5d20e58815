package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var writeConsole = flag.Bool("write-console", false, "write testdata/console.txt")

// wrong are command lines that fail, with their exit codes. $URL is the server, $SITE one that is no Postrider, $NOBODY nothing.
var wrong = []struct {
	code int
	line string
}{
	{exitUsage, "pubish order.created {}"},
	{exitUsage, "subscriptions lst"},
	{exitUsage, "help nothing"},
	{exitUsage, "tail --tpyes order.*"},
	{exitUsage, "tail -t order.*"},
	{exitUsage, "tail --types"},
	{exitUsage, "tail --types="},
	{exitUsage, "tail --count many"},
	{exitUsage, "serve extra"},
	{exitUsage, "serve --listen nowhere"},
	{exitUsage, "serve --memory much"},
	{exitUsage, "status extra"},
	{exitUsage, "version extra"},
	{exitUsage, "publish"},
	{exitUsage, "publish a {} {}"},
	{exitUsage, "events get"},
	{exitUsage, "events list --from yesterday"},
	{exitUsage, "events list --json --ndjson"},
	{exitUsage, "events list --limit -1"},
	{exitUsage, "deliveries list --state failed"},
	{exitUsage, "deliveries get"},
	{exitUsage, "deliveries retry"},
	{exitUsage, "subscriptions create"},
	{exitUsage, "subscriptions create s"},
	{exitUsage, "subscriptions create s --url http://example.com --timeout soon"},
	{exitUsage, "subscriptions create s --url http://example.com --retry 1s,"},
	{exitUsage, "subscriptions create s --url http://example.com --nats-subject a"},
	{exitUsage, "subscriptions update s"},
	{exitUsage, "keys create k"},
	{exitUsage, "keys create k --scopes everything"},
	{exitUsage, "tenants update default"},
	{exitUsage, "types level shop.v1.OrderPaid strict"},
	{exitUsage, "types pull"},
	{exitUsage, "listen"},
	{exitUsage, "listen --print --forward-to 3000"},
	{exitUsage, "login gateway"},
	{exitUsage, "contexts use prod"},
	{exitUsage, "completion powershell"},
	{exitUsage, "status --server gateway"},
	{exitUsage, "status --server http://user:hunter2@gateway"},
	{exitUsage, "status --server ftp://user:hunter2@gateway"},
	{exitUsage, "login user:hunter2@gateway:8080"},
	{exitUsage, "publish a {} --time yesterday"},
	{exitUsage, "status --context prod"},
	{exitFailed, "publish a --file /nowhere/at-all"},
	{exitFailed, "types push /nowhere/at-all"},
	{exitRefused, "publish a {"},
	{exitRefused, "publish shop.v1.OrderCancelled {}"},
	{exitRefused, "events get evt_none"},
	{exitRefused, "deliveries get dlv_none"},
	{exitRefused, "subscriptions get nobody"},
	{exitRefused, "types show Nobody"},
	{exitUnreachable, "status --server $NOBODY"},
	{exitUnreachable, "health --server $NOBODY"},
	{exitUnreachable, "tail --server $NOBODY"},
	{exitUnreachable, "status --server http://gateway.invalid"},
	{exitUnreachable, "events list --server $SITE"},
	{exitUnreachable, "tail --server $SITE"},
}

// TestConsole writes or compares testdata/console.txt: the help of every command, and what wrong command lines print. Read the file
// when it changes.
func TestConsole(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	const nobody = "http://127.0.0.1:1"
	addresses := strings.NewReplacer("$NOBODY", nobody, "$SITE", site.URL)
	var console strings.Builder
	var help func(cmd *cobra.Command)
	help = func(cmd *cobra.Command) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		got := i.run("", args...)
		if got.code != exitOK || got.stderr != "" {
			t.Errorf("%v: exit %d, %s", args, got.code, got.stderr)
		}
		fmt.Fprintf(&console, "$ postrider %s\n%s\n", strings.Join(args, " "), got.stdout)
		for _, child := range cmd.Commands() {
			if child.IsAvailableCommand() {
				help(child)
			}
		}
	}
	help(newCommand(environment{lookup: func(string) (string, bool) { return "", false }}))
	for _, one := range wrong {
		got := i.run("", strings.Fields(addresses.Replace(one.line))...)
		if got.code != one.code {
			t.Errorf("%s: exit %d, want %d\n%s", one.line, got.code, one.code, got.stderr)
		}
		fmt.Fprintf(&console, "$ postrider %s\n%s(exit %d)\n\n", one.line, got.stderr, got.code)
	}
	got := strings.NewReplacer(i.url, "$URL", site.URL, "$SITE", nobody, "$NOBODY", i.folders, "$DATA").Replace(console.String())
	if said := regexp.MustCompile(`(?m)^(?:postrider:|  ).*hunter2`).FindString(got); said != "" {
		t.Errorf("a password is shown: %s", said)
	}
	path := filepath.Join("testdata", "console.txt")
	if *writeConsole {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs from what the commands print (%v); write it with -write-console and read it", path, err)
	}
}
