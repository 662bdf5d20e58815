package gateway

import (
	"regexp"
	"strings"
)

// idForm is that of the ids that the server makes: a name of that form would be taken for somebody's id.
var idForm = regexp.MustCompile(`^[a-z]{3}_[0-9a-z]{20}$`)

// CheckName refuses a new name that a person, or a call that takes a name or an id, could take for another one. What was
// stored before goes on, and an update that leaves it is accepted. The form of a name is the contract's to check.
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
