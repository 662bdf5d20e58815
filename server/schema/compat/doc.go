// Package compat compares two versions of an event type. Open compare.go, enum.go and reserved.go to see which change breaks readers or
// producers, stricter.go for how stored events are checked against new rules, change.go for the differences that people are shown,
// and report.go for what a registration returns.
package compat
