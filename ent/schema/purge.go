package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Purge records events that retention removed before a subscription had them.
type Purge struct{ ent.Schema }

// Annotations names the table.
func (Purge) Annotations() []schema.Annotation { return table("purge") }

// Fields of a purge.
func (Purge) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int64("subscription_id"),
		field.Int64("from_position"),
		field.Int64("to_position"),
		field.Int64("count"),
		field.Int64("create_time"),
	}
}

// Indexes of purges.
func (Purge) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "subscription_id", "from_position")}
}
