// Package register stores schemas of event types. It compares each with the latest version, determines which subscriptions and
// stored events a change would break, and refuses incompatible changes.
package register
