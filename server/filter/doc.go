// Package filter evaluates filter expressions: CEL over `event`, whose data has the type of the schema version under which the event
// was stored.
//
// A Compiler compiles each expression once per schema version, on first use, and shares the program. An Expression reports whether
// it selects a Subject, which is an event with the values that were read from it. The package does no I/O and does not wait, and
// the cost of an evaluation is bounded.
//
// Reading order: compiler.go (sharing), expression.go (evaluation), subject.go (the event), environment.go,
// typing.go and value.go (the event as CEL sees it), check.go and suggest.go (errors in expressions), explain.go
// (why an event is not selected).
package filter
