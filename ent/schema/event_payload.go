package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// EventPayload holds the payload of an event: canonical bytes under its schema, or the JSON text.
type EventPayload struct{ ent.Schema }

// Annotations names the table.
func (EventPayload) Annotations() []schema.Annotation { return table("event_payload") }

// Fields of a payload.
func (EventPayload) Fields() []ent.Field {
	return []ent.Field{
		assigned("position"),
		field.Bytes("data"),
	}
}
