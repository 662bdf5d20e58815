package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EventTypeLevel is a tenant's own level for an event type.
type EventTypeLevel struct{ ent.Schema }

// Annotations names the table.
func (EventTypeLevel) Annotations() []schema.Annotation { return table("event_type_level") }

// Fields of a level.
func (EventTypeLevel) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int64("event_type_id"),
		field.Int8("level"),
	}
}

// Indexes of levels.
func (EventTypeLevel) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "event_type_id").Unique()}
}
