// Package register stores schemas of event types: it compares them with the latest versions, says who would be hit, and
// refuses what breaks somebody.
package register
