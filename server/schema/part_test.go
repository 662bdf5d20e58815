package schema_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

func TestPartsOfTheShop(t *testing.T) {
	t.Parallel()
	parts := snapshotOf(schematest.EventTypes(t, shopFile)).Parts()
	names := slices.Sorted(maps.Keys(parts))
	want := []string{"Address", "BankTransfer", "CardPayment", "Money", "OrderLine", "Parcel"}
	for i := range want {
		want[i] = "shop.v1." + want[i]
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if got := parts["shop.v1.OrderLine"]; !slices.Equal(got, []string{"shop.v1.OrderCreated"}) {
		t.Errorf("OrderLine is a part of %q", got)
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	const marked = "option (postrider.v1.event) = {};"
	for _, test := range []struct {
		name, source string
		selection    compile.Selection
		want         map[string][]string
	}{
		{
			"only what others hold", "message A { B b = 1; } message B {}",
			compile.Selection{All: true},
			map[string][]string{"t.B": {"t.A"}},
		},
		{"not what is marked", "message A { B b = 1; } message B {" + marked + "}", compile.Selection{All: true}, nil},
		{
			"not what has a name of its own", "message A { B b = 1; } message B {}",
			compile.Selection{Messages: []compile.Named{{Message: "t.A"}, {Message: "t.B", Type: "b"}}},
			nil,
		},
		{
			"not what only a message holds that no event has", "message A { B b = 1; } message B {}",
			compile.Selection{Messages: []compile.Named{{Message: "t.B"}}},
			nil,
		},
		{
			"through a map, a list and a nested message",
			"message A { message N { repeated C c = 1; } map<string, B> b = 1; N n = 2; } message B {} message C {}",
			compile.Selection{All: true},
			map[string][]string{"t.B": {"t.A"}, "t.C": {"t.A.N"}},
		},
		{"not what holds itself", "message A { A a = 1; }", compile.Selection{All: true}, nil},
		{"none of a cycle that nothing holds", "message A { B b = 1; } message B { A a = 1; }", compile.Selection{All: true}, nil},
		{
			"the others of a cycle with an event", "message A { " + marked + " B b = 1; } message B { A a = 1; }",
			compile.Selection{All: true},
			map[string][]string{"t.B": {"t.A"}},
		},
		{
			"a cycle that something holds", "message A { B b = 1; } message B { C c = 1; } message C { B b = 1; }",
			compile.Selection{All: true},
			map[string][]string{"t.B": {"t.A", "t.C"}, "t.C": {"t.B"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := "syntax = \"proto3\"; package t; import \"postrider/v1/option.proto\";\n" + test.source
			set, err := compile.Compile(t.Context(), []compile.Source{{Path: "t.proto", Content: source}})
			if err != nil {
				t.Fatal(err)
			}
			types, err := compile.Select(set, test.selection)
			if err != nil {
				t.Fatal(err)
			}
			if got := snapshotOf(types).Parts(); len(got)+len(test.want) > 0 && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFewOfManyHoldersAreNamed(t *testing.T) {
	t.Parallel()
	source := strings.Builder{}
	source.WriteString("syntax = \"proto3\"; package t; message Part {}\n")
	for _, letter := range "ABCDEFGH" {
		source.WriteString("message " + string(letter) + " { Part part = 1; }\n")
	}
	set, err := compile.Compile(t.Context(), []compile.Source{{Path: "t.proto", Content: source.String()}})
	if err != nil {
		t.Fatal(err)
	}
	types, err := compile.Select(set, compile.Selection{All: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := snapshotOf(types).Parts()["t.Part"]; !slices.Equal(got, []string{"t.A", "t.B", "t.C", "t.D", "t.E"}) {
		t.Errorf("got %q", got)
	}
}

func snapshotOf(types []compile.EventType) *schema.Snapshot {
	var stored []schema.Stored
	for i, one := range types {
		stored = append(stored, schema.Stored{
			ID: gateway.SchemaID(i + 1), Type: one.Type, Message: one.Message, Files: one.Files, Version: 1, Latest: true,
		})
	}
	registry := schema.NewRegistry()
	registry.Load(stored, 1)
	return registry.Snapshot()
}
