// Package schema holds the registered event types. A Registry is the current snapshot of all types; a Type is one version of
// one of them, which checks payloads and renders them. Open registry.go to see what a load replaces, type.go for what a type can
// do, and merge.go for the files that clients generate code from.
//
// The work is done below: compile turns .proto files into compiled files, codec reads and writes payloads, describe writes what
// people read, and compat, on top, compares two versions.
package schema
