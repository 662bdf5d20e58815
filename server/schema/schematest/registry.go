package schematest

import (
	"os"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Type returns one type of a registry with the event types of a file.
func Type(tb testing.TB, file, name string) *schema.Type {
	tb.Helper()
	found := load(tb, file).Snapshot().Type(name)
	if found == nil {
		tb.Fatalf("%s is not an event type", name)
	}
	return found
}

// load returns a registry with the event types of a file, each in version 1.
func load(tb testing.TB, file string) *schema.Registry {
	tb.Helper()
	var stored []schema.Stored
	for i, one := range EventTypes(tb, file) {
		stored = append(stored, schema.Stored{
			ID: gateway.SchemaID(i + 1), Type: one.Type, Message: one.Message, Files: one.Files, Version: 1, Latest: true,
		})
	}
	registry := schema.NewRegistry()
	registry.Load(stored, 1)
	return registry
}

// EventTypes selects every event type of a file.
func EventTypes(tb testing.TB, file string) []compile.EventType {
	tb.Helper()
	types, err := compile.Select(ReadFile(tb, file), compile.Selection{All: true})
	if err != nil {
		tb.Fatal(err)
	}
	return types
}

// ReadFile reads a descriptor set.
func ReadFile(tb testing.TB, file string) []byte {
	tb.Helper()
	set, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}
