// Package describe writes schemas as people read them: documentation with an example (documentation.go, example.go), JSON Schema
// (jsonschema.go), rules in words (rulewords.go), and declarations as .proto text (declaration.go). What declaration.go writes also
// decides whether two versions of a type are the same.
package describe
