package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// EventLog has one row per shard. Updating head is the first statement of every append: on PostgreSQL that row lock makes
// commit order equal position order.
type EventLog struct{ ent.Schema }

// Annotations names the table.
func (EventLog) Annotations() []schema.Annotation { return table("log") }

// Fields of the log.
func (EventLog) Fields() []ent.Field {
	return []ent.Field{
		assigned("shard"),
		field.Int64("head").Default(0).Comment("position of the newest event"),
		field.Int64("registry_revision").Default(0).Comment("grows with every change of the schema registry"),
		field.Int64("subject_mark").Default(0).Comment("subjects are indexed up to here"),
		field.Int64("accept_time").Default(0).Comment("accept time of the newest event"),
	}
}
