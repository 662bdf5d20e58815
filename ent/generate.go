// Package ent is the generated data access: schema/ is ours, everything beside it is generated from it.
package ent

//go:generate go run -modfile=../tools/go.mod generator.go
