package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Attempt keeps an attempt that is no longer a delivery's newest: rows exist from the second attempt on.
type Attempt struct{ ent.Schema }

// Annotations names the table.
func (Attempt) Annotations() []schema.Annotation { return table("attempt") }

// Fields of an attempt.
func (Attempt) Fields() []ent.Field {
	return append([]ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int64("subscription_id"),
		field.Int64("position").Comment("negative, its start time, for a test"),
		field.Int32("run").Default(0),
		field.Int32("number"),
	}, attemptFields()...)
}

// Indexes of attempts.
func (Attempt) Indexes() []ent.Index {
	return []ent.Index{index.Fields("subscription_id", "position", "run", "number").Unique()}
}
