// Package gateway is the domain: Postrider's terms as plain types, and its rules as functions. It does no I/O
// and imports no other package of this module, so every rule is tested with a table.
package gateway
