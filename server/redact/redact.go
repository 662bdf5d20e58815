// Package redact hides the secret fields of messages. A field is secret when its definition has the option debug_redact. It is
// a string, or a map whose values are strings.
package redact

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Hidden stands where a secret value was, in what a user reads. Given back in an update, it keeps the stored value.
const Hidden = "•••"

// Hide replaces the secret values of a message.
func Hide(message proto.Message) {
	for _, s := range secretsOf(message, "") {
		s.set(protoreflect.ValueOfString(Hidden))
	}
}

// Kept is a place in a message that keeps a stored value.
type Kept struct {
	// Path is the field, such as `headers["authorization"]`.
	Path string
	// Stored reports whether there is a stored value to keep.
	Stored bool
}

// Restore puts the values of stored, which is of the same type or nil, where a message has Hidden instead. It returns those places,
// sorted by path.
func Restore(message, stored proto.Message) []Kept {
	values := map[string]protoreflect.Value{}
	if stored != nil {
		for _, s := range secretsOf(stored, "") {
			values[s.path] = s.value
		}
	}
	var kept []Kept
	for _, s := range secretsOf(message, "") {
		if s.value.String() != Hidden {
			continue
		}
		value, found := values[s.path]
		if found {
			s.set(value)
		}
		kept = append(kept, Kept{Path: s.path, Stored: found})
	}
	slices.SortFunc(kept, func(a, b Kept) int { return cmp.Compare(a.Path, b.Path) })
	return kept
}

// secret is one secret value in a message.
type secret struct {
	path  string
	value protoreflect.Value
	set   func(protoreflect.Value)
}

func secretsOf(message proto.Message, prefix string) (secrets []secret) {
	m := message.ProtoReflect()
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		path := prefix + string(field.Name())
		switch {
		case !isSecret(field):
			if field.Message() != nil && !field.IsList() && !field.IsMap() {
				secrets = append(secrets, secretsOf(value.Message().Interface(), path+".")...)
			}
		case field.IsMap():
			secrets = append(secrets, secretsOfMap(value.Map(), path)...)
		default:
			secrets = append(secrets, secret{path, value, func(v protoreflect.Value) { m.Set(field, v) }})
		}
		return true
	})
	return secrets
}

func secretsOfMap(values protoreflect.Map, path string) (secrets []secret) {
	values.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		secrets = append(secrets, secret{
			fmt.Sprintf("%s[%q]", path, key.String()), value,
			func(v protoreflect.Value) { values.Set(key, v) },
		})
		return true
	})
	return secrets
}

func isSecret(field protoreflect.FieldDescriptor) bool {
	options, ok := field.Options().(*descriptorpb.FieldOptions)
	return ok && options.GetDebugRedact()
}
