package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// EventType is a name with a Protobuf message as its schema. Event types belong to the server.
type EventType struct{ ent.Schema }

// Annotations names the table.
func (EventType) Annotations() []schema.Annotation { return table("event_type") }

// Fields of an event type.
func (EventType) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("name").MaxLen(255).Unique(),
		field.Int8("level").Comment("off, warn, enforce"),
		field.Int32("latest_version"),
		field.Bool("deprecated").Optional().Nillable(),
		field.String("deprecation_note").Optional().Nillable().Comment("why, and what to use instead"),
		field.Int8("unknown_fields").Optional().Nillable().Comment("what fields mean that the schema does not have: refuse (0), ignore"),
		field.Int64("revision").Default(1),
		field.Int64("create_time"),
		field.Int64("update_time"),
	}
}
