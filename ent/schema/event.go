package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Event holds the attributes of an event. Its payload is in event_payload, where scans of attributes do not read it; its
// identity in event_id.
type Event struct{ ent.Schema }

// Annotations names the table.
func (Event) Annotations() []schema.Annotation { return table("event") }

// Fields of an event.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		assigned("position"),
		field.Int64("tenant_id"),
		field.String("event_id").MaxLen(64),
		field.String("type").MaxLen(255),
		field.String("source"),
		field.String("subject").Optional().Nillable(),
		field.Int64("time_seconds").Comment("the producer's clock; seconds and nanoseconds, so that years 1 to 9999 round-trip"),
		field.Int32("time_nanos"),
		field.Int64("accept_time"),
		field.Int64("schema_id").Optional().Nillable().Comment("event_type_version the payload is encoded under; null: JSON text"),
		field.Bytes("violations").Optional().Nillable().Comment("JSON: what an event breaks that was accepted all the same, and the schema that cannot hold it"),
		field.String("content_type").Optional().Nillable(),
		field.String("data_ref").Optional().Nillable(),
		field.String("ordering_key").Optional().Nillable(),
		field.Int64("expire_time").Optional().Nillable(),
		field.Int64("deliver_after").Optional().Nillable(),
		field.String("trace_parent").Optional().Nillable(),
	}
}

// Indexes of events. With the identity index of event_id these are the two secondary B-trees an append may write.
func (Event) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "type", "id")}
}
