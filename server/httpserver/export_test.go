package httpserver

// FieldsOf counts the fields of a header list that comes in pieces.
func FieldsOf(pieces ...[]byte) (fields int) {
	var list fieldCounter
	for _, piece := range pieces {
		fields += list.pass(piece)
	}
	return fields
}
