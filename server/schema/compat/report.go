package compat

import (
	"fmt"
	"strings"
)

// Report says what registering schemas does, type by type.
type Report struct{ Types []TypeReport }

// TypeReport says what registering does to one event type.
type TypeReport struct {
	Type, Message string
	Change        TypeChange
	// Version is the one that the type has, or would have, afterwards.
	Version int
	// Incompatibilities are what readers and producers of the latest version would stumble over.
	Incompatibilities []Incompatibility
	// Subscriptions are those whose filter would not compile for this type any more.
	Subscriptions []AffectedSubscription
	// Changes are what else changed, for people.
	Changes []Change
	// Sampled is how many stored events were held against the new rules.
	Sampled int
}

// TypeChange says what becomes of a type. The values are those of postrider.v1.TypeChange.
type TypeChange int32

// The changes of a type.
const (
	TypeUnchanged TypeChange = iota + 1
	TypeNew
	TypeNewVersion
)

// AffectedSubscription is a subscription that a change would break.
type AffectedSubscription struct {
	// ID is the one users see. Tenant is the tenant's name.
	ID, Tenant, Name string
	// Reason is for a person.
	Reason string
}

// Incompatible is how many types the report finds incompatible.
func (r Report) Incompatible() int {
	n := 0
	for i := range r.Types {
		if len(r.Types[i].Incompatibilities) > 0 {
			n++
		}
	}
	return n
}

// String lists the incompatibilities, one a line.
func (r Report) String() string {
	var text strings.Builder
	for _, kind := range r.Types {
		for _, one := range kind.Incompatibilities {
			fmt.Fprintf(&text, "%s: ", kind.Type)
			if one.Line > 0 {
				fmt.Fprintf(&text, "%s:%d:%d: ", one.File, one.Line, one.Column)
			}
			fmt.Fprintf(&text, "%s: %s\n", one.Element, one.Message)
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}
