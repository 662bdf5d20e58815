// Package ent is the generated data access: schema/ is ours, everything beside it is generated from it.
package ent

//go:generate go tool ent generate --feature sql/upsert,sql/versioned-migration ./schema
