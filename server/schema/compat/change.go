package compat

import "github.com/postrider-dev/postrider/server/schema"

// Change is one difference between two versions.
type Change struct {
	// Element is the full name of the declaration. The name of an enum value is below that of its enum.
	Element string
	Kind    ChangeKind
	// Before and After are the declaration as .proto text without comments; empty if the version does not have it. For a
	// message or enum in both versions they hold what is declared besides fields and values: options and reservations.
	Before, After string
}

// ChangeKind is the kind of a change. The values are those of postrider.v1.SchemaChangeKind.
type ChangeKind int32

// The kinds.
const (
	ChangeAdded ChangeKind = iota + 1
	ChangeRemoved
	ChangeChanged
)

// changes returns the differences in everything that a payload can hold.
func changes(before, after *schema.Type) (found []Change, err error) {
	was, err := before.Declarations()
	if err != nil {
		return nil, err
	}
	is, err := after.Declarations()
	if err != nil {
		return nil, err
	}
	for _, one := range is.All() {
		text, known := was.Text(one)
		switch after, _ := is.Text(one); {
		case !known:
			found = append(found, Change{Element: is.Element(one), Kind: ChangeAdded, After: after})
		case text != after:
			found = append(found, Change{Element: is.Element(one), Kind: ChangeChanged, Before: text, After: after})
		}
	}
	for _, one := range was.All() {
		if _, kept := is.Text(one); !kept {
			text, _ := was.Text(one)
			found = append(found, Change{Element: was.Element(one), Kind: ChangeRemoved, Before: text})
		}
	}
	return found, nil
}
