package schema_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/schema"
)

func BenchmarkCanonicalText(b *testing.B) {
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = schema.AppendCanonical(buffer[:0], []byte(goodOrder)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromJSON(b *testing.B) {
	order := typeOf(b, shopFile, "shop.v1.OrderCreated")
	b.ReportAllocs()
	for b.Loop() {
		if _, violations, err := order.FromJSON([]byte(goodOrder)); err != nil || violations != nil {
			b.Fatal(violations, err)
		}
	}
}

func BenchmarkEncodeJSON(b *testing.B) {
	order := typeOf(b, shopFile, "shop.v1.OrderCreated")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := order.EncodeJSON([]byte(goodOrder)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProtojson is what BenchmarkFromJSON is held against: reading alone, the general way.
func BenchmarkProtojson(b *testing.B) {
	message := descriptor(b, shopFile, "shop.v1.OrderCreated")
	b.ReportAllocs()
	for b.Loop() {
		if err := protojson.Unmarshal([]byte(goodOrder), dynamicpb.NewMessage(message)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromBinary(b *testing.B) {
	order := typeOf(b, shopFile, "shop.v1.OrderCreated")
	canonical, _, err := order.FromJSON([]byte(goodOrder))
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
	order := typeOf(b, shopFile, "shop.v1.OrderCreated")
	canonical, _, err := order.FromJSON([]byte(goodOrder))
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
