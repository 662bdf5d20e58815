// Package publish accepts events: it checks what producers hand in, fills in what they left out, and appends to the log.
// When it answers, the events are on disk.
package publish
