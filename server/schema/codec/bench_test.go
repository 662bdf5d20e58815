package codec_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

func BenchmarkCanonicalText(b *testing.B) {
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = codec.AppendCanonical(buffer[:0], []byte(schematest.Order)); err != nil {
			b.Fatal(err)
		}
	}
}

// paidOrder is the event that bench/ publishes.
const paidOrder = `{"orderId":"ord_01J9Z8X7W6V5U4T3S2R1Q0P9N8","amount":{"currency":"EUR","minorUnits":"1999"},` +
	`"card":{"brand":"visa","lastFour":"4242"},"payTime":"2026-03-14T12:00:00Z"}`

func BenchmarkFromJSON(b *testing.B) {
	for name, text := range map[string]string{"shop.v1.OrderCreated": schematest.Order, "shop.v1.OrderPaid": paidOrder} {
		b.Run(name, func(b *testing.B) {
			order := schematest.Type(b, shopFile, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, violations, err := order.FromJSON([]byte(text)); err != nil || violations != nil {
					b.Fatal(violations, err)
				}
			}
		})
	}
}

func BenchmarkKeys(b *testing.B) {
	for _, one := range schematest.EventTypes(b, shopFile) {
		if one.Type != "shop.v1.OrderPaid" {
			continue
		}
		paid, err := new(schema.Candidates).Type(one)
		if err != nil {
			b.Fatal(err)
		}
		canonical, _, err := paid.FromJSON([]byte(paidOrder))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, subject, err := paid.Keys(canonical); err != nil || subject == "" {
				b.Fatal(subject, err)
			}
		}
	}
}

func BenchmarkEncodeJSON(b *testing.B) {
	order := schematest.Type(b, shopFile, "shop.v1.OrderCreated")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := order.EncodeJSON([]byte(schematest.Order)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProtojson is the reference for BenchmarkFromJSON: the general reader, without checks.
func BenchmarkProtojson(b *testing.B) {
	message := descriptor(b, shopFile, "shop.v1.OrderCreated")
	b.ReportAllocs()
	for b.Loop() {
		if err := protojson.Unmarshal([]byte(schematest.Order), dynamicpb.NewMessage(message)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromBinary(b *testing.B) {
	order := schematest.Type(b, shopFile, "shop.v1.OrderCreated")
	canonical, _, err := order.FromJSON([]byte(schematest.Order))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, violations, err := order.FromBinary(canonical); err != nil || violations != nil {
			b.Fatal(violations, err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	order := schematest.Type(b, shopFile, "shop.v1.OrderCreated")
	canonical, _, err := order.FromJSON([]byte(schematest.Order))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := order.Render(canonical); err != nil {
			b.Fatal(err)
		}
	}
}

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
