package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Incarnation is one uninterrupted life of the log; every start writes one.
type Incarnation struct{ ent.Schema }

// Annotations names the table.
func (Incarnation) Annotations() []schema.Annotation { return table("incarnation") }

// Fields of an incarnation.
func (Incarnation) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("shard").Default(0),
		field.Bytes("token").MaxLen(8).Unique().Comment("the random id cursors carry"),
		field.Int64("first_position"),
		field.Int64("create_time"),
	}
}

// Indexes of incarnations.
func (Incarnation) Indexes() []ent.Index {
	return []ent.Index{index.Fields("shard", "first_position")}
}
