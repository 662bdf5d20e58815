package rpc_test

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server"
)

// Schemas with every kind of field: the first for proto3 alone, the second for proto2 and editions too.
const (
	kindsSchemas = "../schema/schematest/testdata/kinds.binpb"
	richSchemas  = "../schema/schematest/testdata/rich.binpb"
)

// withSchemas lets a server know the types of several files besides those of the shop.
func withSchemas(t *testing.T, files ...string) func(*server.Config) {
	t.Helper()
	return func(c *server.Config) {
		all, seen := &descriptorpb.FileDescriptorSet{}, make(map[string]bool)
		for _, file := range append(files, c.Schemas) {
			for _, one := range descriptors(t, file).GetFile() {
				if !seen[one.GetName()] {
					all.File, seen[one.GetName()] = append(all.File, one), true
				}
			}
		}
		encoded, err := proto.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		c.Schemas = filepath.Join(t.TempDir(), "schemas.binpb")
		if err := os.WriteFile(c.Schemas, encoded, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func descriptors(t *testing.T, file string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(encoded, set); err != nil {
		t.Fatal(err)
	}
	return set
}
