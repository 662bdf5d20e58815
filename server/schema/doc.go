// Package schema implements event types. It holds the registered versions of their schemas, validates payloads, and converts
// them to their canonical encoding and to JSON.
package schema
