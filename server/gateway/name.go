package gateway

import (
	"regexp"
	"strings"
)

// idForm is the form of the ids that the server makes. A name of that form could be mistaken for an id.
var idForm = regexp.MustCompile(`^[a-z]{3}_[0-9a-z]{20}$`)

// CheckName returns an error for a new name that people, or calls that accept a name or an id, could mistake for another
// one. Names that are already stored stay valid, also in updates that do not change them. The contract checks the form of a
// name.
func CheckName(field, name string) error {
	switch {
	case strings.HasSuffix(name, " "):
		return FieldError(field, "must not end with a space")
	case strings.Contains(name, "  "):
		return FieldError(field, "must not have two spaces in a row")
	case idForm.MatchString(name):
		return FieldError(field, "must not have the form of an id")
	}
	return nil
}
