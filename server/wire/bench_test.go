package wire_test

import (
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/wire"
)

const order = `{"orderId":"42-abc-def","customerId":"3f2b0f0e-7c1e-4d7e-9c55-0b8a2f1d7a11","channel":"ORDER_CHANNEL_WEB",` +
	`"lines":[{"sku":"ABC-1","quantity":2,"unitPrice":{"currency":"EUR","minorUnits":"1999"}}],` +
	`"total":{"currency":"EUR","minorUnits":"3998"},"note":"please ring twice","createTime":"2024-05-01T10:00:00Z"}`

func BenchmarkReadPublish(b *testing.B) {
	codec := jsonCodec(b)
	text := []byte(`{"event":{"type":"shop.v1.OrderCreated","source":"/shop","subject":"42","data":` + order + `}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := codec.Unmarshal(text, &postriderv1.PublishRequest{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckPublish(b *testing.B) {
	requests, err := wire.NewRequests()
	if err != nil {
		b.Fatal(err)
	}
	request := &postriderv1.PublishRequest{}
	text := `{"event":{"type":"shop.v1.OrderCreated","source":"/shop","subject":"42","data":` + order + `}}`
	if err := jsonCodec(b).Unmarshal([]byte(text), request); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := requests.Check(request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteAck(b *testing.B) {
	ack := &postriderv1.PublishResponse{Id: "evt_06abcdefghijklmnopqrstuvwx", Cursor: "04000abcdefghijklmnopqrstuv0123"}
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = wire.AppendJSON(buffer[:0], ack); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteEvent(b *testing.B) {
	event := fullEvent(order)
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = wire.AppendJSON(buffer[:0], event); err != nil {
			b.Fatal(err)
		}
	}
}
