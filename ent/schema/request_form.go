package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// RequestForm is what many attempts of a subscription have sent alike.
type RequestForm struct{ ent.Schema }

// Annotations names the table.
func (RequestForm) Annotations() []schema.Annotation { return table("request_form") }

// Fields of a request form.
func (RequestForm) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("tenant_id"),
		field.Int64("subscription_id"),
		field.Bytes("digest").MaxLen(8).Comment("attempts refer to it"),
		field.Int64("revision").Comment("of the subscription, when it was last begun with"),
		field.Bytes("content").Comment("sealed: a URL may hold a token"),
	}
}

// Indexes of request forms.
func (RequestForm) Indexes() []ent.Index {
	return []ent.Index{index.Fields("subscription_id", "digest").Unique()}
}
