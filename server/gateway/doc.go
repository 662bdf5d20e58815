// Package gateway is the domain: the words of Postrider as plain types, and its rules as pure functions. It does no I/O
// and imports nothing of ours, so that every rule is a table test.
package gateway
