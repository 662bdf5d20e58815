package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// SubscriptionGroup is a group of subscriptions that one node owns at a time, fenced by the epoch. There is one group so far, 0.
type SubscriptionGroup struct{ ent.Schema }

// Annotations names the table.
func (SubscriptionGroup) Annotations() []schema.Annotation { return table("subscription_group") }

// Fields of a group.
func (SubscriptionGroup) Fields() []ent.Field {
	return []ent.Field{
		assigned("id"),
		field.String("owner").Default(""),
		field.Int64("epoch").Default(0),
		field.Int64("lease_time").Optional().Nillable(),
		field.Int64("mark").Default(0).Comment("the place shared by the group's caught-up subscriptions"),
	}
}
