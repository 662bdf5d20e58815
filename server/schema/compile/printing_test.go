package compile_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const (
	kindsFile = "../schematest/testdata/kinds.binpb"
	richFile  = "../schematest/testdata/rich.binpb"
)

var (
	madeUpPairs = flag.Int("pairs", 150, "how many made-up pairs of versions are tried")
	pairsFrom   = flag.Uint64("pair-seed", 0, "the seed of the first made-up pair of versions")
)

// TestSourcesCompileToTheSameVersion prints schemas as `types pull` writes them, and checks that they compile to the same
// versions: those of the shop, of the samples in examples, and of files with every kind of field.
func TestSourcesCompileToTheSameVersion(t *testing.T) {
	t.Parallel()
	for name, set := range map[string][]byte{
		"shop": schematest.ReadFile(t, shopFile), "kinds": schematest.ReadFile(t, kindsFile), "rich": schematest.ReadFile(t, richFile),
		"GitHub": schematest.Compile(t, folder(t, "../../../examples/demo")...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printsTheSame(t, set, compile.Selection{All: true})
		})
	}
}

// TestNumbersInSourcesStayTheSame tests numbers that a printer with six digits, or one without infinities, would change.
func TestNumbersInSourcesStayTheSame(t *testing.T) {
	t.Parallel()
	const text = `-- m.proto --
syntax = "proto2";
import "google/protobuf/descriptor.proto"; import "buf/validate/validate.proto";
message Detail { optional double share = 1; repeated float shares = 2; map<string, double> by = 3; }
extend google.protobuf.FieldOptions { optional double ratio = 5001; optional float weight = 5002; optional Detail detail = 5003; repeated double many = 5004; }
message M {
  optional double a = 1 [default = 1e-9, (ratio) = 1e-9, (weight) = 3.4028235e38];
  optional double b = 2 [default = inf, (ratio) = inf, (weight) = -inf];
  optional double c = 3 [default = nan, (ratio) = nan, (many) = 1e23, (many) = 5e-324, (many) = -inf];
  optional float d = 4 [default = -inf, (detail) = {share: -inf, shares: [1e-9, inf, nan, -0.0], by: [{key: "x", value: 1e-9}]}];
  optional double e = 5 [default = -0.0, (buf.validate.field).double = {gte: 1e-9, lt: 1.7976931348623157e308}];
  optional double f = 6 [(buf.validate.field).double = {in: [1e-9, 2.5, inf], gt: -inf}];
}
`
	printsTheSame(t, schematest.Compile(t, schematest.Sources(text)...), compile.Selection{All: true})
}

// TestShadowedNamesInSourcesStayTheSame tests names that mean something else when they are shortened.
func TestShadowedNamesInSourcesStayTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"-- a.proto --\nsyntax = \"proto3\"; package a.v1; message P { enum Mode { X = 0; } }\n" +
			"message M { P p = 1; message P { .a.v1.P.Mode mode = 1; .a.v1.P p = 2; } }\n",
		"-- a.proto --\nsyntax = \"proto3\"; package a.google; import \"google/protobuf/any.proto\"; message M { .google.protobuf.Any any = 1; }\n",
		"-- a.proto --\nsyntax = \"proto3\"; package a; import \"google/protobuf/any.proto\";\n" +
			"message M { .google.protobuf.Any any = 1; google g = 2; message google {} }\n",
		"-- a.proto --\nsyntax = \"proto3\"; package a; message E { int32 i = 1; }\n-- b.proto --\nsyntax = \"proto3\"; package a; import \"a.proto\";\n" +
			"message M { .a.E e = 1; E f = 2; enum E { X = 0; } }\n",
	} {
		printsTheSame(t, schematest.Compile(t, schematest.Sources(text)...), compile.Selection{All: true})
	}
}

// TestMadeUpSourcesStayTheSame prints generated pairs.
func TestMadeUpSourcesStayTheSame(t *testing.T) {
	t.Parallel()
	for i := range *madeUpPairs {
		before, _ := schematest.Pair(*pairsFrom + uint64(i))
		set, err := proto.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		selection := compile.Selection{Messages: []compile.Named{{Message: schematest.PairType}}}
		if _, err := compile.Select(set, selection); err != nil {
			continue
		}
		if printsTheSame(t, set, selection); t.Failed() {
			t.Fatalf("repeat it with -run %s -pairs 1 -pair-seed %d", t.Name(), *pairsFrom+uint64(i))
		}
	}
}

// TestForeignSourcesStayTheSame prints foreign schemas, folder by folder: every twentieth, and one whose messages hide each
// other's names. Printing all of them takes a quarter of an hour.
func TestForeignSourcesStayTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	library := readLibrary(t, foreignFiles)
	printed := 0
	for i, folder := range library.folders() {
		sent := library.closure(library.in[folder]...)
		if hiding := strings.HasSuffix(folder, "osconfig/agentendpoint/v1"); !hiding && (i%20 > 0 || len(sent) > 60) {
			continue
		}
		set, err := compile.Compile(t.Context(), sent)
		if err != nil {
			continue
		}
		if _, err := compile.Select(set, compile.Selection{All: true}); err == nil {
			printed++
			t.Run(folder, func(t *testing.T) { printsTheSame(t, set, compile.Selection{All: true}) })
		}
	}
	if tell(t, "%d of %d folders of foreign .proto files are printed as they were", printed, len(library.in)); printed < 3 {
		t.Errorf("%d folders are printed", printed)
	}
}

// printsTheSame registers a set, pulls the registered sources and registers those.
func printsTheSame(t *testing.T, set []byte, selection compile.Selection) {
	t.Helper()
	types, err := compile.Select(set, selection)
	if err != nil {
		t.Fatal(err)
	}
	var registered []*schema.Type
	for _, one := range types {
		found, err := new(schema.Candidates).Type(one)
		if err != nil {
			t.Fatal(err)
		}
		registered = append(registered, found)
	}
	merged, in, _, err := schema.Merge(registered)
	if err != nil || len(in) != len(types) {
		t.Fatalf("%d of %d types are merged, %v", len(in), len(types), err)
	}
	pulled, err := compile.Sources(merged)
	if err != nil {
		t.Fatal(err)
	}
	again, err := compile.Compile(t.Context(), pulled)
	if err != nil {
		t.Fatalf("what was printed does not compile: %v\n%s", err, textOf(pulled))
	}
	selection.Messages = nil
	for _, one := range types {
		selection.Messages = append(selection.Messages, compile.Named{Message: one.Message, Type: one.Type})
	}
	second, err := compile.Select(again, selection)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range registered {
		at := slices.IndexFunc(second, func(n compile.EventType) bool { return n.Type == one.Name() })
		if at < 0 {
			t.Fatalf("%s is gone", one.Name())
		}
		sameVersion(t, one, second[at], pulled)
	}
}

func sameVersion(t *testing.T, one *schema.Type, printed compile.EventType, sources []compile.Source) {
	t.Helper()
	other, err := new(schema.Candidates).Type(printed)
	if err != nil {
		t.Fatal(err)
	}
	was, err := one.Identity()
	if err != nil {
		t.Fatal(err)
	}
	is, err := other.Identity()
	if err != nil {
		t.Fatal(err)
	}
	if was != is {
		difference, err := compat.Compare(one, other)
		t.Fatalf("%s is another version after printing: %+v, %v\n%s", one.Name(), difference.Changes, err, textOf(sources))
	}
}

func textOf(sources []compile.Source) string {
	var text strings.Builder
	for _, one := range sources {
		text.WriteString("-- " + one.Path + " --\n" + one.Content)
	}
	return text.String()[:min(text.Len(), 20_000)]
}

// folder reads the .proto files below a folder.
func folder(t *testing.T, root string) (found []compile.Source) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".proto" {
			return err
		}
		content, err := os.ReadFile(name)
		found = append(found, compile.Source{Path: filepath.ToSlash(strings.TrimPrefix(name, root+"/")), Content: string(content)})
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatal(len(found), err)
	}
	return found
}
