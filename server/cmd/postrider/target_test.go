package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNATSFlags(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	created := i.must("", "subscriptions", "create", "lake", "--nats-url", "nats://127.0.0.1:4222", "--nats-subject", "events.{type}",
		"--nats-user", "postrider", "--nats-password-file", file, "--json")
	for _, want := range []string{`"urls"`, "nats://127.0.0.1:4222", `"events.{type}"`, `"•••"`} {
		if !strings.Contains(created, want) || strings.Contains(created, "hunter2") {
			t.Errorf("created %s", created)
		}
	}
	if list := i.must("", "subscriptions", "list"); !strings.Contains(list, "nats://127.0.0.1:4222/events.{type}") {
		t.Errorf("list %s", list)
	}
	updated := i.must("", "subscriptions", "update", "lake", "--nats-stream", "EVENTS", "--json")
	if !strings.Contains(updated, `"EVENTS"`) || !strings.Contains(updated, `"•••"`) {
		t.Errorf("updated %s", updated)
	}
	elsewhere := i.run("", "subscriptions", "update", "lake", "--nats-url", "nats://127.0.0.2:4222")
	if elsewhere.code != exitRefused || !strings.Contains(elsewhere.stderr, "password") {
		t.Errorf("to another address: %+v", elsewhere)
	}
	moved := i.must("", "subscriptions", "update", "lake", "--url", "http://127.0.0.1:1/hook", "--json")
	if !strings.Contains(moved, `"webhook"`) || strings.Contains(moved, `"nats"`) {
		t.Errorf("moved %s", moved)
	}
}
