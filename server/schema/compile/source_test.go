package compile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const shopFile = "../../../gen/descriptors/shop.v1.binpb"

// shopSources reads the sources of the example schemas.
func shopSources(tb testing.TB) []compile.Source {
	tb.Helper()
	names, err := filepath.Glob("../../../proto/shop/v1/*.proto")
	if err != nil || len(names) == 0 {
		tb.Fatal(names, err)
	}
	var files []compile.Source
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, compile.Source{Path: "shop/v1/" + filepath.Base(name), Content: string(content)})
	}
	return files
}

// A schema that is sent as sources equals the one that buf compiles, so it makes no new version.
func TestSourcesAndDescriptorsAreOneVersion(t *testing.T) {
	t.Parallel()
	want := make(map[string][32]byte)
	for _, one := range schematest.EventTypes(t, shopFile) {
		want[one.Type] = one.Hash
	}
	types, err := compile.Select(schematest.Compile(t, shopSources(t)...), compile.Selection{All: true})
	if err != nil || len(types) != len(want) {
		t.Fatal(len(types), err)
	}
	for _, one := range types {
		if one.Hash != want[one.Type] {
			t.Errorf("%s has another hash", one.Type)
		}
	}
}

func TestCompileKeepsCommentsAndPositions(t *testing.T) {
	t.Parallel()
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(schematest.Compile(t, schematest.Sources("-- a.proto --\nsyntax = \"proto3\";\n// An A.\nmessage A {}\n")...), set); err != nil {
		t.Fatal(err)
	}
	if len(set.GetFile()) != 1 || !slices.ContainsFunc(set.GetFile()[0].GetSourceCodeInfo().GetLocation(),
		func(l *descriptorpb.SourceCodeInfo_Location) bool { return l.GetLeadingComments() == " An A.\n" }) {
		t.Error(set)
	}
}

func TestCompileResolvesSharedFiles(t *testing.T) {
	t.Parallel()
	files := schematest.Sources(`-- a.proto --
syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/compiler/plugin.proto";
import "google/protobuf/cpp_features.proto";
import "buf/validate/validate.proto";
import "postrider/v1/option.proto";
message A {
  option (postrider.v1.event) = {subject: "id"};
  string id = 1 [(buf.validate.field).string.min_len = 1];
  google.protobuf.Timestamp at = 2;
}
-- google/protobuf/timestamp.proto --
syntax = "proto3";
package google.protobuf;
message Timestamp { string hostile = 1; }
-- buf/validate/validate.proto --
this is not read
`)
	types, err := compile.Select(schematest.Compile(t, files...), compile.Selection{})
	if err != nil || len(types) != 1 || types[0].Subject != "id" {
		t.Fatal(types, err)
	}
	candidate, err := new(schema.Candidates).Type(types[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, violations, err := candidate.FromJSON([]byte(`{"at":"2024-02-29T12:30:00Z"}`)); err != nil || len(violations) != 1 ||
		violations[0].Field != "event.data.id" {
		t.Error(violations, err)
	}
}

func TestCompileTellsAllFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files string
		want  []string // beginnings of "field: message"
	}{
		"syntax in two files": {
			"-- a.proto --\nsyntax = \"proto3\";\nmessage A { int32 }\n-- b.proto --\nsyntax = \"proto3\";\nmessage {}\n",
			[]string{"a.proto:2:19: syntax error", "b.proto:2:9: syntax error"},
		},
		"two unknown types": {
			"-- a.proto --\nsyntax = \"proto3\";\nmessage A {\n  Nope a = 1;\n  Never b = 2;\n}\n",
			[]string{"a.proto:3:3: field A.a: unknown type Nope", "a.proto:4:3: field A.b: unknown type Never"},
		},
		"missing import": {
			"-- a.proto --\nsyntax = \"proto3\";\nimport \"b.proto\";\nimport \"c.proto\";\n",
			[]string{`a.proto:2:8: imports "b.proto", which is not among the files`, `a.proto:3:8: imports "c.proto"`},
		},
		"the folder above the one where imports begin": {
			"-- proto/a/b.proto --\nsyntax = \"proto3\";\n-- proto/c.proto --\nimport \"a/b.proto\";\n-- proto/d.proto --\nimport \"b.proto\";\n",
			[]string{
				`proto/c.proto:1:8: imports "a/b.proto", which is not among the files; "proto/a/b.proto" is, so push the folder "proto"`,
				`proto/d.proto:1:8: imports "b.proto", which is not among the files; "proto/a/b.proto" is, so push the folder "proto/a"`,
			},
		},
		"circle": {
			"-- a.proto --\nimport \"b.proto\";\n-- b.proto --\nimport \"a.proto\";\n",
			[]string{"b.proto:1:8: imports in a circle: a.proto → b.proto → a.proto"},
		},
		"itself": {
			"-- a.proto --\nimport \"a.proto\";\n", []string{"a.proto:1:8: imports in a circle: a.proto → a.proto"},
		},
		"duplicate symbol": {
			"-- a.proto --\nsyntax = \"proto3\";\nmessage A {}\n-- b.proto --\nsyntax = \"proto3\"; import \"a.proto\";\nmessage A {}\n",
			[]string{`b.proto:2:9: symbol "A" already defined at a.proto:2:9`},
		},
		"duplicate field number": {
			"-- a.proto --\nsyntax = \"proto3\";\nmessage A {\n  int32 a = 1;\n  int32 b = 1;\n}\n",
			[]string{`a.proto:4:13: message A: fields a and b both have the same tag 1`},
		},
		"edition 2024": {
			"-- a.proto --\nedition = \"2024\";\nmessage A {}\n", []string{`a.proto:1:11: edition "2024" is not supported`},
		},
		"unknown option": {
			"-- a.proto --\nsyntax = \"proto3\";\nmessage A { option (no.such) = 1; }\n", []string{"a.proto:2:"},
		},
		"two files of one path": {"-- a.proto --\n-- a.proto --\n", []string{"a.proto: is given twice"}},
		"paths":                 {"-- ../a.proto --\n-- /b --\n-- c//d --\n-- e\x01 --\n", []string{`"../a.proto": is not a plain path`, `"/b": is`, `"c//d": is`, `"e\x01": has characters`}},
		"nesting":               {"-- a.proto --\nmessage A" + strings.Repeat(" { message A", 101), []string{"a.proto:1:1211: is nested more than 100 deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile.Compile(t.Context(), schematest.Sources(test.files))
			expectFaults(t, err, test.want)
		})
	}
}

// expectFaults checks that an error reports an invalid schema, with the wanted violations.
func expectFaults(t *testing.T, err error, want []string) {
	t.Helper()
	var invalid *gateway.Error
	if !errors.As(err, &invalid) || invalid.Code != gateway.CodeInvalid || invalid.Reason != gateway.ReasonInvalidSchema {
		t.Fatalf("%v is no error of an invalid schema", err)
	}
	var got []string
	for _, one := range invalid.Fields {
		got = append(got, one.Field+": "+one.Message)
	}
	if len(got) != len(want) {
		t.Fatalf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, prefix := range want {
		if !strings.HasPrefix(got[i], prefix) {
			t.Errorf("fault %q, want %q", got[i], prefix)
		}
	}
}

func TestCompileIsBounded(t *testing.T) {
	t.Parallel()
	var chain []compile.Source
	for i := range 300 {
		chain = append(chain, compile.Source{
			Path: fmt.Sprintf("f%d.proto", 300-i), Content: fmt.Sprintf("syntax = \"proto3\"; import \"f%d.proto\";", 301-i),
		})
	}
	chain = append(chain, compile.Source{Path: "f301.proto"})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx   context.Context
		files []compile.Source
		want  string
	}{
		"files":  {t.Context(), make([]compile.Source, compile.MaxSourceFiles+1), "at most 10000"},
		"bytes":  {t.Context(), []compile.Source{{Path: "a.proto", Content: strings.Repeat(" ", compile.MaxSourceBytes+1)}}, "larger than"},
		"depth":  {t.Context(), chain, "more than 256 imports"},
		"faults": {t.Context(), []compile.Source{{Path: "a.proto", Content: strings.Repeat("import 'x';\n", 1000)}}, "and 900 faults that are not listed"},
		"time":   {over, shopSources(t), context.Canceled.Error()},
	} {
		if _, err := compile.Compile(test.ctx, test.files); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
