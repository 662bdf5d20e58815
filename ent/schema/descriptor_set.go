package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// DescriptorSet is a self-contained google.protobuf.FileDescriptorSet, shared by the versions that use it.
type DescriptorSet struct{ ent.Schema }

// Annotations names the table.
func (DescriptorSet) Annotations() []schema.Annotation { return table("descriptor_set") }

// Fields of a descriptor set.
func (DescriptorSet) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Bytes("hash").MaxLen(32).Unique().Comment("SHA-256 of the files without source info"),
		field.Bytes("files"),
		field.Int64("create_time"),
	}
}
