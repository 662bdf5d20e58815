package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// EventSubject finds events by subject. It is filled behind the log, up to log.subject_mark.
type EventSubject struct{ ent.Schema }

// Annotations names the table.
func (EventSubject) Annotations() []schema.Annotation { return table("event_subject") }

// Fields of an indexed subject.
func (EventSubject) Fields() []ent.Field {
	return []ent.Field{
		assigned("position"),
		field.Int64("tenant_id"),
		field.String("subject"),
	}
}

// Indexes of subjects.
func (EventSubject) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "subject", "id")}
}
