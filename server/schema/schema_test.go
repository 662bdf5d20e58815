package schema_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const (
	shopFile  = "../../gen/descriptors/shop.v1.binpb"
	kindsFile = "testdata/kinds.binpb"
)

// descriptor returns a message of a file, to build payloads without generated code.
func descriptor(tb testing.TB, file, name string) protoreflect.MessageDescriptor {
	tb.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(schematest.ReadFile(tb, file), set); err != nil {
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
