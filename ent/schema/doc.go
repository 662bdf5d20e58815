// Package schema holds the tables, one file each. Times are Unix microseconds, so that both dialects store and compare
// them alike. Columns added to event, delivery or attempt later must be nullable: SQLite would copy the table otherwise.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

func table(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name}}
}

// assigned is a key we choose: SQLite's AUTOINCREMENT would write a second table on every insert.
func assigned(column string) ent.Field {
	incremental := false
	return field.Int64("id").StorageKey(column).Annotations(entsql.Annotation{Incremental: &incremental})
}
