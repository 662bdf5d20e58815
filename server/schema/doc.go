// Package schema holds the registered event types. A Registry holds the current snapshot of all types; a Type is one version
// of one type, which checks and renders payloads. Open registry.go to see what a load replaces, type.go for the methods of a
// type, and merge.go for the files from which clients generate code.
//
// The subpackages do the work: compile turns .proto files into compiled files, codec reads and writes payloads, and describe
// writes documentation. compat builds on this package and compares two versions.
package schema
