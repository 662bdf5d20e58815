// Package schema knows event types: it keeps the registered versions of their schemas, checks payloads against them and
// turns payloads into their canonical form and into JSON text.
package schema
