package schema_test

import (
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

const (
	shopFile  = "../../gen/descriptors/shop.v1.binpb"
	kindsFile = "testdata/kinds.binpb"
)

// load returns a registry with the event types of a file, each in version 1.
func load(tb testing.TB, file string) *schema.Registry {
	tb.Helper()
	var stored []schema.Stored
	for i, one := range split(tb, file) {
		stored = append(stored, schema.Stored{
			ID: gateway.SchemaID(i + 1), Type: one.Type, Message: one.Message, Files: one.Files, Version: 1, Latest: true,
		})
	}
	registry := schema.NewRegistry()
	registry.Load(stored, 1)
	return registry
}

func split(tb testing.TB, file string) []compile.EventType {
	tb.Helper()
	types, err := compile.Select(readFile(tb, file), compile.Selection{All: true})
	if err != nil {
		tb.Fatal(err)
	}
	return types
}

func readFile(tb testing.TB, file string) []byte {
	tb.Helper()
	set, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func typeOf(tb testing.TB, file, name string) *schema.Type {
	tb.Helper()
	found := load(tb, file).Snapshot().Type(name)
	if found == nil {
		tb.Fatalf("%s is not an event type", name)
	}
	return found
}

// descriptor returns a message of a file, to build payloads without generated code.
func descriptor(tb testing.TB, file, name string) protoreflect.MessageDescriptor {
	tb.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(readFile(tb, file), set); err != nil {
		tb.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		tb.Fatal(err)
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		tb.Fatal(err)
	}
	return found.(protoreflect.MessageDescriptor)
}
