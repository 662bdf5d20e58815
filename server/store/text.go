package store

import (
	"strings"
	"unicode/utf8"
)

// plainText reports whether both dialects can store a text.
func plainText(text string) bool {
	return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text)
}

// cleanText makes storable what an endpoint sent: PostgreSQL refuses a text with a NUL or a broken sequence.
func cleanText(text string) string {
	if plainText(text) {
		return text
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}
