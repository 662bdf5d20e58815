package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/schema"
)

// FuzzCanonicalText holds the canonical form against encoding/json: it means the same and is its own canonical form.
func FuzzCanonicalText(f *testing.F) {
	for _, seed := range []string{`{"b":1.10,"a":[{"d":"\u00e9","c":null},true]}`, `{"":{"":""}}`, `[`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		canonical, err := schema.AppendCanonical(nil, text)
		if err != nil {
			return
		}
		if again, err := schema.AppendCanonical(nil, canonical); err != nil || string(again) != string(canonical) {
			t.Fatalf("%q became %q and then %q, %v", text, canonical, again, err)
		}
		if !reflect.DeepEqual(decode(t, text), decode(t, canonical)) {
			t.Fatalf("%q became %q", text, canonical)
		}
	})
}

func decode(t *testing.T, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return value
}

// FuzzTypedJSON holds the reader against protojson: what it takes, protojson takes and reads alike. (It refuses more:
// numbers that would be rounded, and deep nesting.)
func FuzzTypedJSON(f *testing.F) {
	for _, seed := range []string{
		`{"yes":true,"small":1e3,"big":"-9","ratio":0.5,"text":"\u00e9","raw":"_-8","colour":"COLOUR_RED"}`,
		`{"child":{"numbers":[1,2]},"byName":{"a":{}},"byBool":{"true":1},"secondChoice":3,"values":[null,{"a":[]}]}`,
		`{"at":"2024-02-29T12:30:00.5+01:00","for":"1.5s","mask":"a,b","object":{"x":1},"wrappedBig":"3","nothing":null}`,
		`{"any":{"@type":"type.googleapis.com/test.v1.Kinds","text":"x"},"empty":{},"maybe":0,"count":"7"}`,
	} {
		f.Add([]byte(seed))
	}
	kinds := typeOf(f, kindsFile, "test.v1.Kinds")
	message := descriptor(f, kindsFile, "test.v1.Kinds")
	resolver := kindsTypes{message: dynamicpb.NewMessageType(message)}
	f.Fuzz(func(t *testing.T, text []byte) {
		canonical, violations, err := kinds.FromJSON(text)
		if err != nil || len(violations) > 0 {
			return
		}
		want := dynamicpb.NewMessage(message)
		if err := (protojson.UnmarshalOptions{Resolver: resolver}).Unmarshal(text, want); err != nil {
			t.Fatalf("took %q, which protojson refuses: %v", text, err)
		}
		expected, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
		if err != nil || string(expected) != string(canonical) {
			t.Fatalf("%q is %x, protojson reads %x", text, canonical, expected)
		}
		if _, err := kinds.Render(canonical); err != nil {
			t.Fatalf("%q cannot be rendered: %v", text, err)
		}
	})
}
