package codec_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// FuzzCanonicalText compares the canonical form with encoding/json: it means the same, and it is its own canonical form.
func FuzzCanonicalText(f *testing.F) {
	for _, seed := range []string{`{"b":1.10,"a":[{"d":"\u00e9","c":null},true]}`, `{"":{"":""}}`, `[`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		canonical, err := codec.AppendCanonical(nil, text)
		if err != nil {
			return
		}
		if again, err := codec.AppendCanonical(nil, canonical); err != nil || string(again) != string(canonical) {
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

// fuzzed is a type whose reader is fuzzed.
type fuzzed struct {
	files      *protoregistry.Files
	eventType  *schema.Type
	types      *dynamicpb.Types
	descriptor protoreflect.MessageDescriptor
}

func fuzzedTypes(f *testing.F) []fuzzed {
	var all []fuzzed
	for _, one := range []struct{ file, name string }{
		{kindsFile, "test.v1.Kinds"},
		{richFile, "test.rich.Proto3"},
		{richFile, "test.rich.Proto2"},
		{richFile, "test.rich.Edition"},
	} {
		files := filesOf(f, one.file, one.name)
		found, err := files.FindDescriptorByName(protoreflect.FullName(one.name))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, fuzzed{
			files: files, eventType: schematest.Type(f, one.file, one.name), types: dynamicpb.NewTypes(files),
			descriptor: found.(protoreflect.MessageDescriptor),
		})
	}
	return all
}

// samples returns encodings of generated messages of the type.
func (z *fuzzed) samples(f *testing.F) (samples [][]byte) {
	for seed := range uint64(4) {
		encoded, err := proto.Marshal(schematest.New(z.files, seed).Message(z.descriptor))
		if err != nil {
			f.Fatal(err)
		}
		samples = append(samples, encoded)
	}
	return samples
}

// readsBack checks that an accepted payload can be rendered as JSON and published again.
func (z *fuzzed) readsBack(t *testing.T, canonical []byte) {
	t.Helper()
	text, err := z.eventType.Render(canonical)
	if err != nil {
		t.Fatalf("%x cannot be rendered: %v", canonical, err)
	}
	again, violations, err := z.eventType.EncodeJSON(text)
	if err != nil || len(violations) > 0 {
		t.Fatalf("%x is rendered as %q, which is refused: %v, %v", canonical, text, violations, err)
	}
	// The bytes may differ: JSON has only one NaN.
	if second, err := z.eventType.Render(again); err != nil || string(second) != string(text) {
		t.Fatalf("%q became %q, %v", text, second, err)
	}
	if third, violations, err := z.eventType.EncodeBinary(canonical); err != nil || string(third) != string(canonical) {
		t.Fatalf("%x became %x, %v, %v", canonical, third, violations, err)
	}
}

// FuzzTypedJSON compares the reader with protojson: protojson accepts every text that the reader accepts, and reads it as
// the same message. The reader refuses more: numbers that would be rounded, and deep nesting.
func FuzzTypedJSON(f *testing.F) {
	types := fuzzedTypes(f)
	for _, seed := range []string{
		`{"yes":true,"small":1e3,"big":"-9","ratio":0.5,"text":"\u00e9","raw":"_-8","colour":"COLOUR_RED"}`,
		`{"child":{"numbers":[1,2]},"byName":{"a":{}},"byBool":{"true":1},"secondChoice":3,"values":[null,{"a":[]}]}`,
		`{"at":"2024-02-29T12:30:00.5+01:00","for":"1.5s","mask":"a,b","object":{"x":1},"wrappedBig":"3","nothing":null}`,
		`{"any":{"@type":"type.googleapis.com/test.v1.Kinds","text":"x"},"empty":{},"maybe":0,"count":"7"}`,
	} {
		f.Add(uint8(0), []byte(seed))
	}
	for which, z := range types {
		for _, sample := range z.samples(f) {
			canonical, violations, err := z.eventType.EncodeBinary(sample)
			if err != nil || len(violations) > 0 {
				f.Fatal(violations, err)
			}
			text, err := z.eventType.Render(canonical)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(which), text)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		z := types[int(which)%len(types)]
		canonical, violations, err := z.eventType.FromJSON(text)
		if err != nil || len(violations) > 0 {
			return
		}
		want := dynamicpb.NewMessage(z.descriptor)
		if err := (protojson.UnmarshalOptions{Resolver: z.types}).Unmarshal(text, want); err != nil {
			t.Fatalf("took %q, which protojson refuses: %v", text, err)
		}
		expected, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
		if err != nil || string(expected) != string(canonical) {
			t.Fatalf("%q is %x, protojson reads %x", text, canonical, expected)
		}
		z.readsBack(t, canonical)
	})
}

// FuzzTypedBinary checks that every accepted encoded message can be read as JSON.
func FuzzTypedBinary(f *testing.F) {
	types := fuzzedTypes(f)
	for which, z := range types {
		for _, sample := range z.samples(f) {
			f.Add(uint8(which), sample)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, encoded []byte) {
		z := types[int(which)%len(types)]
		canonical, violations, err := z.eventType.FromBinary(encoded)
		if err != nil {
			t.Fatalf("%x: %v", encoded, err)
		}
		if len(violations) == 0 {
			z.readsBack(t, canonical)
		}
	})
}
