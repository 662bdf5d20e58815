package compat

import (
	"fmt"
	"strings"
)

// Report describes the effect of registering schemas, type by type.
type Report struct{ Types []TypeReport }

// TypeReport describes the effect of a registration on one event type.
type TypeReport struct {
	Type, Message string
	Change        TypeChange
	// Version is the version that the type has, or would have, afterwards.
	Version int
	// Incompatibilities are changes that break readers or producers of the latest version.
	Incompatibilities []Incompatibility
	// Subscriptions are those whose filter would no longer compile for this type.
	Subscriptions []AffectedSubscription
	// Changes are the other changes, for people.
	Changes []Change
	// Sampled is the number of stored events that were checked against the new rules.
	Sampled int
}

// TypeChange is the effect on a type. The values are those of postrider.v1.TypeChange.
type TypeChange int32

// The changes of a type.
const (
	TypeUnchanged TypeChange = iota + 1
	TypeNew
	TypeNewVersion
)

// AffectedSubscription is a subscription that a change would break.
type AffectedSubscription struct {
	// ID is the public id. Tenant is the name of the tenant.
	ID, Tenant, Name string
	// Reason is text for people.
	Reason string
}

// Incompatible returns the number of types that the report finds incompatible.
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
