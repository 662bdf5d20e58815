package filter

import "iter"

// Functions are the names of the functions that an expression may call.
func Functions() (iter.Seq[string], error) {
	shared, err := newLanguage()
	if err != nil {
		return nil, err
	}
	return func(yield func(string) bool) {
		for name := range shared.env.Functions() {
			if !yield(name) {
				return
			}
		}
	}, nil
}
