package store

import (
	"strings"
	"unicode/utf8"
)

// plainText reports whether both dialects can store a text.
func plainText(text string) bool {
	return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text)
}

// cleanText makes a text from an endpoint storable: PostgreSQL refuses NUL characters and invalid UTF-8.
func cleanText(text string) string {
	if plainText(text) {
		return text
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}
