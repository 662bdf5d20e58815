// Package codec reads and writes payloads. A payload arrives as JSON text (json.go) or as an encoded message (binary.go). It
// is checked against the structure and then the rules of its schema (check.go), and stored in one canonical encoding
// (encode.go). Open payload.go for that sequence and for rendering stored payloads as JSON, path.go for the field paths of
// violations, and text.go for payloads without a schema.
package codec
