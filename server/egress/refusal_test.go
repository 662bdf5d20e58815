package egress_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/egress"
)

// A refusal names what the caller wrote and nothing that was looked up: neither the address of a host of the operator's
// network, nor its kind, nor that there is such a host. The operator finds it in the log, once a minute.
func TestARefusalDoesNotNameAnAddressThatWasLookedUp(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	client := newClient(t, egress.Config{Guard: egress.Guard{
		Resolver: resolver{"a.internal": {"10.1.2.3"}, "b.internal": {"127.0.0.1", "fd00::7"}, "public.example": {"93.184.216.34"}},
		Logger:   slog.New(slog.NewTextHandler(&logs, nil)),
	}})
	text := func(url string) string {
		t.Helper()
		err := client.Guard().CheckURL(t.Context(), url)
		if err == nil {
			t.Fatalf("%s is permitted", url)
		}
		_, sent := client.Do(t.Context(), post(t, url, "{}"))
		if sent == nil || sent.Error() != err.Error() {
			t.Errorf("%s: checked %v, sent %v", url, err, sent)
		}
		return err.Error()
	}
	want := text("https://missing.internal/")
	for _, host := range []string{"a.internal", "b.internal"} {
		for _, scheme := range []string{"http", "https"} {
			got := text(scheme + "://" + host + "/")
			if got != strings.ReplaceAll(want, "missing.internal", host) {
				t.Errorf("%s over %s: %s\nmissing: %s", host, scheme, got, want)
			}
		}
	}
	if got := text("http://public.example/"); !strings.Contains(got, "use https") || strings.Contains(got, "93.184") {
		t.Errorf("a public host over http: %s", got)
	}
	if got := text("https://10.1.2.3/"); !strings.Contains(got, "10.1.2.3 is a private address") {
		t.Errorf("an address that the caller wrote: %s", got)
	}
	for _, address := range []string{"10.1.2.3", "fd00::7", "93.184.216.34"} {
		if !strings.Contains(logs.String(), address) {
			t.Errorf("the operator does not learn of %s:\n%s", address, &logs)
		}
	}
	if lines := strings.Count(logs.String(), "\n"); lines != 3 {
		t.Errorf("%d lines for three hosts:\n%s", lines, &logs)
	}
}

func TestRefusalsOfManyHostsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	hosts := resolver{}
	for i := range 1000 {
		hosts[fmt.Sprintf("h%d.internal", i)] = []string{"10.0.0.1"}
	}
	client := newClient(t, egress.Config{Guard: egress.Guard{Resolver: hosts, Logger: slog.New(slog.NewTextHandler(&logs, nil))}})
	for host := range hosts {
		if client.Guard().CheckURL(t.Context(), "https://"+host+"/") == nil {
			t.Fatal("it is permitted")
		}
	}
	if lines := strings.Count(logs.String(), "\n"); lines != 256 {
		t.Errorf("%d lines", lines)
	}
}
