package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Tenant is a customer of the operator.
type Tenant struct{ ent.Schema }

// Annotations names the table.
func (Tenant) Annotations() []schema.Annotation { return table("tenant") }

// Fields of a tenant.
func (Tenant) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("name").MaxLen(63).Unique(),
		field.String("display_name").Default(""),
		field.Bool("typed_only").Optional().Nillable().Comment("events whose type has no schema are refused"),
		field.Int64("purged_to").Default(0).Comment("retention has removed the events up to here"),
		field.Int64("revision").Default(1),
		field.Int64("create_time"),
		field.Int64("update_time"),
	}
}
