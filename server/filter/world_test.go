package filter_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
)

// orderV1 and orderV2 are two versions of one type: the second has a coupon, and a customer with a tier.
const (
	orderV1 = `name: "shop/order.proto" package: "shop" syntax: "proto3" dependency: "google/protobuf/timestamp.proto"
message_type { name: "Order"
  field { name: "order_id" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "orderId" }
  field { name: "total" number: 2 label: LABEL_OPTIONAL type: TYPE_INT64 json_name: "total" }
  field { name: "status" number: 3 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".shop.Status" json_name: "status" }
  field { name: "lines" number: 4 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".shop.Line" json_name: "lines" }
  field { name: "labels" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".shop.Order.LabelsEntry" json_name: "labels" }
  field { name: "place_time" number: 6 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" json_name: "placeTime" }
  field { name: "ship_to" number: 7 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.Address" json_name: "shipTo" }
  field { name: "weight" number: 8 label: LABEL_OPTIONAL type: TYPE_DOUBLE json_name: "weight" }
  nested_type { name: "LabelsEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "key" }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "value" } } }
message_type { name: "Line"
  field { name: "sku" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "sku" }
  field { name: "quantity" number: 2 label: LABEL_OPTIONAL type: TYPE_UINT32 json_name: "quantity" } }
message_type { name: "Address"
  field { name: "city" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "city" } }
enum_type { name: "Status" value { name: "STATUS_UNSPECIFIED" number: 0 } value { name: "STATUS_PAID" number: 1 } }`

	orderV2 = orderV1 + `
message_type { name: "Customer"
  field { name: "tier" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "tier" }
  field { name: "home" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.Address" json_name: "home" } }`

	// legacy is proto2: required and optional fields, a default, a group.
	legacy = `name: "old/legacy.proto" package: "old" syntax: "proto2"
message_type { name: "Legacy"
  field { name: "name" number: 1 label: LABEL_REQUIRED type: TYPE_STRING json_name: "name" }
  field { name: "size" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 default_value: "7" json_name: "size" }
  field { name: "part" number: 3 label: LABEL_REPEATED type: TYPE_GROUP type_name: ".old.Legacy.Part" json_name: "part" }
  nested_type { name: "Part" field { name: "weight" number: 4 label: LABEL_OPTIONAL type: TYPE_FLOAT json_name: "weight" } } }`

	// modern is of edition 2023, with every well-known type that expressions see as something else.
	modern = `name: "modern/thing.proto" package: "modern" syntax: "editions" edition: EDITION_2023
dependency: "google/protobuf/any.proto" dependency: "google/protobuf/duration.proto" dependency: "google/protobuf/struct.proto"
dependency: "google/protobuf/wrappers.proto"
message_type { name: "Thing"
  field { name: "count" number: 1 label: LABEL_OPTIONAL type: TYPE_UINT64 json_name: "count" }
  field { name: "note" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.StringValue" json_name: "note" }
  field { name: "wait" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Duration" json_name: "wait" }
  field { name: "extra" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Struct" json_name: "extra" }
  field { name: "any" number: 5 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Any" json_name: "any" }
  field { name: "raw" number: 6 label: LABEL_OPTIONAL type: TYPE_BYTES json_name: "raw" }
  field { name: "left" number: 7 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 json_name: "left" }
  field { name: "right" number: 8 label: LABEL_OPTIONAL type: TYPE_BOOL oneof_index: 0 json_name: "right" }
  field { name: "by_id" number: 9 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".modern.Thing.ByIdEntry" json_name: "byId" }
  nested_type { name: "ByIdEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "key" }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".modern.Thing" json_name: "value" } }
  oneof_decl { name: "side" } }`
)

// registry is schemas of which a test adds versions.
type registry struct {
	t       testing.TB
	schemas *schema.Registry
	stored  []schema.Stored
	reg     int64
}

func newRegistry(t testing.TB) *registry {
	return &registry{t: t, schemas: schema.NewRegistry()}
}

// add registers the newest version of a type and returns it. edit changes the file before.
func (r *registry) add(name, file string, edit ...func(*descriptorpb.FileDescriptorProto)) *schema.Type {
	r.t.Helper()
	version := 1
	for i := range r.stored {
		if r.stored[i].Type == name {
			r.stored[i].Latest = false
			version++
		}
	}
	id := gateway.SchemaID(len(r.stored) + 1)
	r.stored = append(r.stored, schema.Stored{
		ID: id, Type: name, Message: name, Version: version, Files: fileSet(r.t, file, edit...), Latest: true,
	})
	r.reg++
	r.schemas.Load(append([]schema.Stored{}, r.stored...), r.reg)
	return r.schemas.Snapshot().Version(id)
}

// fileSet is one file with all it imports.
func fileSet(t testing.TB, text string, edit ...func(*descriptorpb.FileDescriptorProto)) []byte {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(text), file); err != nil {
		t.Fatal(err)
	}
	for _, f := range edit {
		f(file)
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var imported func(protoreflect.FileDescriptor)
	imported = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			imported(fd.Imports().Get(i))
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	}
	for _, path := range file.GetDependency() {
		fd, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			t.Fatal(err)
		}
		imported(fd)
	}
	set.File = append(set.File, file)
	encoded, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// withField adds a field to a message of a file.
func withField(message, text string) func(*descriptorpb.FileDescriptorProto) {
	return func(file *descriptorpb.FileDescriptorProto) {
		for _, one := range file.GetMessageType() {
			if one.GetName() == message {
				field := &descriptorpb.FieldDescriptorProto{}
				if err := prototext.Unmarshal([]byte(text), field); err != nil {
					panic(err)
				}
				one.Field = append(one.Field, field)
			}
		}
	}
}

var (
	withCoupon   = withField("Order", `name: "coupon" number: 20 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "coupon"`)
	withCustomer = withField("Order", `name: "customer" number: 21 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.Customer" json_name: "customer"`)
	withTags     = withField("Order", `name: "tags" number: 22 label: LABEL_REPEATED type: TYPE_STRING json_name: "tags"`)
)

// event makes an event of a schema version, or an untyped one when version is nil.
func event(t testing.TB, eventType string, version *schema.Type, data string) *gateway.Event {
	t.Helper()
	e := &gateway.Event{
		ID: "evt_1", Type: eventType, Source: "shop", Subject: "order-7", Data: []byte(data),
		Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), AcceptTime: time.Date(2026, 3, 4, 5, 6, 8, 0, time.UTC),
	}
	if version == nil {
		return e
	}
	canonical, violations, err := version.EncodeJSON(e.Data)
	if err != nil || len(violations) > 0 {
		t.Fatal(fmt.Sprint(err, violations))
	}
	e.Schema, e.Data = version.ID(), canonical
	return e
}

func match(c *filter.Compiler, expression string, e *gateway.Event) filter.Verdict {
	return c.Expression(expression).Match(c.Subject(e))
}
