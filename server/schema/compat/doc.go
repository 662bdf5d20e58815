// Package compat compares two versions of an event type. Open compare.go, enum.go and reserved.go to see which changes break
// readers or producers, stricter.go for how stored events are checked against new rules, change.go for the differences that
// are shown to people, and report.go for the result of a registration.
package compat
