// Package publish accepts events: it validates what producers send, fills in defaults, and appends the events to the log.
// When it returns, the events are on disk.
package publish
