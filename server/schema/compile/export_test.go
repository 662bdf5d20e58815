package compile

import (
	"iter"

	"google.golang.org/protobuf/reflect/protoregistry"
)

// RuleFunctions returns the names of the functions that the environment of rules declares.
func RuleFunctions() (iter.Seq[string], error) {
	made, err := newRuleMeter(protoregistry.GlobalTypes, false)
	if err != nil {
		return nil, err
	}
	env, err := environmentOf(made.Validator)
	if err != nil {
		return nil, err
	}
	return func(yield func(string) bool) {
		for name := range (*env).Functions() {
			if !yield(name) {
				return
			}
		}
	}, nil
}
