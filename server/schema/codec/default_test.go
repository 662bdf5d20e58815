package codec_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// compiled returns one message of a schema text.
func compiled(tb testing.TB, text, name string) *schema.Type {
	tb.Helper()
	types, err := compile.Select(schematest.Compile(tb, schematest.Sources("-- a.proto --\nsyntax = \"proto3\";\n"+text)...), compile.Selection{All: true})
	if err != nil {
		tb.Fatal(err)
	}
	for _, one := range types {
		if one.Type == name {
			found, err := new(schema.Candidates).Type(one)
			if err != nil {
				tb.Fatal(err)
			}
			return found
		}
	}
	tb.Fatalf("%s is not a type", name)
	return nil
}

// TestDefaultsOfFieldsThatAreNotSet expects unset fields without presence in the text, and none with presence, in messages
// at every place. The text must be read as the same payload.
func TestDefaultsOfFieldsThatAreNotSet(t *testing.T) {
	t.Parallel()
	order := compiled(t, `import "google/protobuf/any.proto"; import "google/protobuf/timestamp.proto";
message Order {
  string id = 1; int64 cents = 2; bool paid = 3; bytes raw = 4; double rate = 5; Kind kind = 6;
  repeated Line lines = 7; map<string, Line> named = 8; Line one = 9; optional int32 odd = 10;
  oneof way { string card = 11; Line bank = 12; } google.protobuf.Timestamp at = 13; google.protobuf.Any more = 14;
}
message Line { int32 n = 1; repeated string notes = 2; optional Line inner = 3; }
enum Kind { KIND_NONE = 0; KIND_SOME = 1; }`, "Order")
	const line = `{"n":0,"notes":[]}`
	const rest = `"cents":"0","paid":false,"raw":"","rate":0,"kind":"KIND_NONE"`
	for data, want := range map[string]string{
		`{}`: `{"id":"",` + rest + `,"lines":[],"named":{}}`,
		`{"id":"1","lines":[{},{"n":1}],"named":{"a":{}},"one":{"inner":{}},"odd":0,"card":"","at":"1970-01-01T00:00:00Z"}`: `{"id":"1",` + rest +
			`,"lines":[` + line + `,{"n":1,"notes":[]}],"named":{"a":` + line + `},"one":{"n":0,"notes":[],"inner":` + line +
			`},"odd":0,"card":"","at":"1970-01-01T00:00:00Z"}`,
		`{"more":{"@type":"type.googleapis.com/Line"}}`: `{"id":"",` + rest + `,"lines":[],"named":{},"more":{"@type":"type.googleapis.com/Line","n":0,"notes":[]}}`,
	} {
		canonical, violations, err := order.FromJSON([]byte(data))
		if err != nil || len(violations) > 0 {
			t.Fatal(data, violations, err)
		}
		text, err := order.RenderDefaults(canonical)
		if err != nil || string(text) != want {
			t.Errorf("%s\n is shown as %s, %v\n      want %s", data, text, err, want)
		}
		if again, _, err := order.FromJSON(text); err != nil || !bytes.Equal(again, canonical) {
			t.Errorf("%s is read as another payload: %v", text, err)
		}
		if plain, err := order.Render(canonical); err != nil || len(plain) > len(data) {
			t.Errorf("without defaults: %s, %v", plain, err)
		}
	}
}

// TestDefaultsAreBounded uses a payload whose every byte is a message with a thousand fields.
func TestDefaultsAreBounded(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&fields, "int32 a_field_with_quite_a_long_name_%d = %d;\n", i, i+10)
	}
	wide := compiled(t, `import "google/protobuf/any.proto";
message Wide { repeated Wide all = 1; map<int32, Wide> by = 2; repeated google.protobuf.Any any = 3; Wide one = 4;
`+fields.String()+`}`, "Wide")
	lists := bytes.Repeat([]byte{1<<3 | 2, 0}, 90_000)
	inAny := protowire.AppendTag(nil, 3, protowire.BytesType)
	inAny = protowire.AppendBytes(inAny, append([]byte("\x0a\x18type.googleapis.com/Wide\x12"), protowire.AppendBytes(nil, lists[:60_000])...))
	var maps []byte
	for i := range 1000 {
		entry := append(protowire.AppendVarint([]byte{1 << 3}, uint64(i+1)), 2<<3|2, 0)
		maps = protowire.AppendBytes(protowire.AppendTag(maps, 2, protowire.BytesType), entry)
	}
	for name, payload := range map[string][]byte{"lists": lists, "any": inAny, "maps": maps} {
		plain, err := wide.Render(payload)
		if err != nil {
			t.Fatal(name, err)
		}
		text, err := wide.RenderDefaults(payload)
		if err != nil || !bytes.Equal(text, plain) {
			t.Errorf("%s: %d bytes of text, want the %d without defaults, %v", name, len(text), len(plain), err)
		}
	}
	if text, err := wide.RenderDefaults(lists[:20]); err != nil || len(text) < 300_000 || len(text) > 1<<20 {
		t.Errorf("ten small messages: %d bytes of text, %v", len(text), err)
	}
}
