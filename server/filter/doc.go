// Package filter evaluates the expressions of filters: CEL over `event`, whose data has the type that the schema version
// of the event gives it.
//
// A Compiler shares what it compiles: one program per expression and schema version, made on first use. An Expression is
// asked whether it selects a Subject, which is an event with what was read of it. Nothing here does I/O or waits, and what
// an evaluation may cost is bounded.
//
// Reading order: compiler.go (what is shared), expression.go (what is asked), subject.go (the event), environment.go,
// typing.go and value.go (what CEL sees of it), check.go and suggest.go (what is said of a wrong expression), explain.go
// (why an event is not selected).
package filter
