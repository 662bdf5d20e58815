package wire_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// repeated is a field n times with the same content.
func repeated(number protowire.Number, content []byte, n int) []byte {
	one := protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	return bytes.Repeat(one, n)
}

// field is a field around a message.
func field(number protowire.Number, content []byte) []byte { return repeated(number, content, 1) }

// Two bytes of a request can make an object of two hundred. What is read from a request takes memory in proportion to it.
func TestElementsOutOfProportionAreRefusedBeforeTheyAreMade(t *testing.T) {
	const n = 1 << 20
	null := []byte{8, 0}                   // A google.protobuf.Value that is null.
	list := field(6, repeated(1, null, n)) // One that is a list of those.
	entry := append(field(1, []byte("a")), field(2, list)...)
	for name, test := range map[string]struct {
		message proto.Message
		data    []byte
		asJSON  bool
	}{
		"empty events":          {&postriderv1.PublishBatchRequest{}, repeated(2, nil, n), false},
		"empty events as JSON":  {&postriderv1.PublishBatchRequest{}, []byte(`{"events":[` + strings.Repeat("{},", n) + `{}]}`), true},
		"empty types":           {&postriderv1.SubscribeRequest{}, repeated(2, nil, n), false},
		"empty types as JSON":   {&postriderv1.SubscribeRequest{}, []byte(`{"types":[` + strings.Repeat(`"",`, n) + `""]}`), true},
		"a payload of nulls":    {&postriderv1.PublishRequest{}, field(2, field(6, field(1, entry))), false},
		"empty files":           {&postriderv1.RegisterEventTypesRequest{}, repeated(3, nil, n), false},
		"empty filters as JSON": {&postriderv1.SubscribeRequest{}, []byte(`{"filters":[` + strings.Repeat(`{},`, n) + `{}]}`), true},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := wire.Parse(test.data, test.message, test.asJSON)
		runtime.ReadMemStats(&after)
		var refused *gateway.Error
		if !errors.As(err, &refused) || refused.Reason != gateway.ReasonTooLarge && refused.Reason != gateway.ReasonInvalidField {
			t.Errorf("%s: %v, want that it is refused", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
			t.Errorf("%s: %d bytes take %d KiB", name, len(test.data), took>>10)
		}
	}
}

// Payloads and batches as they are sent stay far below.
func TestOrdinaryRequestsHaveFewElements(t *testing.T) {
	t.Parallel()
	batch := &postriderv1.PublishBatchRequest{}
	for range 1000 {
		fields := map[string]any{}
		for _, name := range strings.Split("a b c d e f g h i j k l m n o p", " ") {
			fields[name] = 1.5
		}
		data, err := structpb.NewStruct(fields)
		if err != nil {
			t.Fatal(err)
		}
		batch.Events = append(batch.Events, &postriderv1.Event{Type: "a.b", Payload: &postriderv1.Event_Data{Data: data}})
	}
	raw, err := proto.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.Parse(raw, &postriderv1.PublishBatchRequest{}, false); err != nil {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
}
