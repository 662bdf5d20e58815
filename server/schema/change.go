package schema

// Change is one difference between two versions.
type Change struct {
	// Element is the full name of what is declared; a value of an enum is below the enum.
	Element string
	Kind    ChangeKind
	// Before and After are the declarations as .proto text without comments, empty where there is none. Of a message or an
	// enum that both versions have, they are what is declared beside its fields and values: options, reservations.
	Before, After string
}

// ChangeKind says what happened to a declaration. The values are those of postrider.v1.SchemaChangeKind.
type ChangeKind int32

// The kinds.
const (
	ChangeAdded ChangeKind = iota + 1
	ChangeRemoved
	ChangeChanged
)

// changes lists the differences in everything that a payload can hold.
func changes(from, to *message) []Change {
	was, is := declarationsOf(from.bundle, from.descriptor), declarationsOf(to.bundle, to.descriptor)
	var found []Change
	for _, one := range is.order {
		before, known := was.text[one]
		switch after := is.text[one]; {
		case !known:
			found = append(found, Change{Element: is.element[one], Kind: ChangeAdded, After: after})
		case before != after:
			found = append(found, Change{Element: is.element[one], Kind: ChangeChanged, Before: before, After: after})
		}
	}
	for _, one := range was.order {
		if _, kept := is.text[one]; !kept {
			found = append(found, Change{Element: was.element[one], Kind: ChangeRemoved, Before: was.text[one]})
		}
	}
	return found
}
