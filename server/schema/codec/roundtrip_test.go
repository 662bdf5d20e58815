package codec_test

import (
	"bytes"
	"flag"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const richFile = "../schematest/testdata/rich.binpb"

var (
	roundTrips    = flag.Int("roundtrips", 400, "how many messages of each type make the round trip")
	roundTripSeed = flag.Uint64("roundtrip-seed", 1, "the first seed of the round trips")
)

// TestRoundTrip publishes generated messages in both forms and checks that readers of both forms get the published message.
// The Protobuf runtime is the reference.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range []protoreflect.FullName{"test.rich.Proto3", "test.rich.Proto2", "test.rich.Edition"} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			trip := newTrip(t, richFile, name)
			for seed := *roundTripSeed; seed < *roundTripSeed+uint64(*roundTrips); seed++ {
				if trip.run(seed); t.Failed() {
					t.Fatalf("repeat it with -run TestRoundTrip/%s -roundtrips 1 -roundtrip-seed %d", name, seed)
				}
			}
		})
	}
}

type trip struct {
	*testing.T
	files      *protoregistry.Files
	types      *dynamicpb.Types
	eventType  *schema.Type
	descriptor protoreflect.MessageDescriptor
}

func newTrip(t *testing.T, file string, name protoreflect.FullName) *trip {
	t.Helper()
	files := filesOf(t, file, string(name))
	found, err := files.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return &trip{
		T: t, files: files, types: dynamicpb.NewTypes(files), eventType: schematest.Type(t, file, string(name)),
		descriptor: found.(protoreflect.MessageDescriptor),
	}
}

// filesOf returns the files of a type with everything they import.
func filesOf(tb testing.TB, file, name string) *protoregistry.Files {
	tb.Helper()
	types := schematest.EventTypes(tb, file)
	at := slices.IndexFunc(types, func(one compile.EventType) bool { return one.Type == name })
	candidate, err := new(schema.Candidates).Type(types[at])
	if err != nil {
		tb.Fatal(err)
	}
	return schematest.Files(tb, candidate)
}

func (t *trip) run(seed uint64) {
	message := schematest.New(t.files, seed).Message(t.descriptor)
	encoded, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	canonical := t.accepted("binary", t.eventType.FromBinary, encoded)
	if t.Failed() {
		return
	}
	if want, err := (proto.MarshalOptions{Deterministic: true}).Marshal(message); err != nil || !bytes.Equal(canonical, want) {
		t.Errorf("encoded as %x,\nthe runtime says %x, %v", canonical, want, err)
	}
	t.readsAs(canonical, message)
	text, err := t.eventType.Render(canonical)
	if err != nil {
		t.Errorf("%v\n%v", err, message)
		return
	}
	t.rendersAs(text, message)
	if again := t.accepted("rendered", t.eventType.FromJSON, text); !bytes.Equal(again, canonical) {
		t.Errorf("%s\nis read as %x,\nwas %x", text, again, canonical)
	}
	if again := t.accepted("canonical", t.eventType.FromBinary, canonical); !bytes.Equal(again, canonical) {
		t.Errorf("%x is not its own canonical form, %x is", canonical, again)
	}
	for _, options := range []protojson.MarshalOptions{
		{Multiline: true},
		{UseProtoNames: true, UseEnumNumbers: true},
		{EmitDefaultValues: true},
	} {
		options.Resolver = t.types
		other, err := options.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if again := t.accepted("spelled otherwise", t.eventType.FromJSON, other); !bytes.Equal(again, canonical) {
			t.Errorf("%s\nis read as %x,\nwas %x", other, again, canonical)
		}
	}
}

func (t *trip) accepted(what string, read readPayload, payload []byte) []byte {
	t.Helper()
	canonical, violations, err := read(payload)
	if err != nil || len(violations) > 0 {
		t.Errorf("%s: refused: %v, %v\n%s", what, violations, err, strconv.Quote(string(payload)))
	}
	return canonical
}

type readPayload = func([]byte) ([]byte, []gateway.Violation, error)

// readsAs checks that a subscriber's generated code would read the message.
func (t *trip) readsAs(canonical []byte, message proto.Message) {
	t.Helper()
	read := dynamicpb.NewMessage(t.descriptor)
	if err := (proto.UnmarshalOptions{Resolver: t.types}).Unmarshal(canonical, read); err != nil || !proto.Equal(read, message) {
		t.Errorf("read %v, %v\nwas %v", read, err, message)
	}
}

// rendersAs checks that the text has the same meaning as protojson's.
func (t *trip) rendersAs(text []byte, message proto.Message) {
	t.Helper()
	want, err := protojson.MarshalOptions{Resolver: t.types}.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(decode(t.T, text), decode(t.T, want)) {
		t.Errorf("rendered %s\nwant     %s", text, want)
	}
}
