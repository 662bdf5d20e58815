package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EventTypeVersion is one immutable version of an event type's schema. It is kept while an event refers to it.
type EventTypeVersion struct{ ent.Schema }

// Annotations names the table.
func (EventTypeVersion) Annotations() []schema.Annotation { return table("event_type_version") }

// Fields of a version.
func (EventTypeVersion) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("event_type_id"),
		field.Int32("version"),
		field.String("message").Comment("full name of the message"),
		field.Int64("descriptor_set_id"),
		field.String("description").Optional().Nillable(),
		field.String("ordering_key").Optional().Nillable().Comment("path of the field that orders deliveries"),
		field.String("subject").Optional().Nillable().Comment("path of the field that is the subject of events without one"),
		field.Int64("create_time"),
	}
}

// Indexes of versions.
func (EventTypeVersion) Indexes() []ent.Index {
	return []ent.Index{index.Fields("event_type_id", "version").Unique()}
}
