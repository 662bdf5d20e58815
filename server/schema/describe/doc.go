// Package describe writes schemas for people: documentation with an example (documentation.go, example.go), JSON Schema
// (jsonschema.go), rules in words (rulewords.go), and declarations as .proto text (declaration.go). The declarations also
// decide whether two versions of a type are the same.
package describe
