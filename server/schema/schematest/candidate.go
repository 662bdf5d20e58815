package schematest

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Candidate returns the type of a message in these files. The type is in no registry.
func Candidate(tb testing.TB, message string, files ...compile.Source) *schema.Type {
	tb.Helper()
	types, err := compile.Select(Compile(tb, files...), compile.Selection{Messages: []compile.Named{{Message: message}}})
	if err != nil {
		tb.Fatal(err)
	}
	for _, one := range types {
		if one.Message == message {
			found, err := new(schema.Candidates).Type(one)
			if err != nil {
				tb.Fatal(err)
			}
			return found
		}
	}
	tb.Fatalf("%s is not selected", message)
	return nil
}

// Files returns the files of a type together with the files that all schemas share.
func Files(tb testing.TB, one *schema.Type) *protoregistry.Files {
	tb.Helper()
	whole, _, _, err := schema.Merge([]*schema.Type{one})
	if err != nil {
		tb.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(whole, set); err != nil {
		tb.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		tb.Fatal(err)
	}
	return files
}
