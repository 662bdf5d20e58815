package schema

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxNesting bounds the brackets that may be open at once in a .proto file. Compilers descend by recursion.
const maxNesting = 100

// openTooDeep says whether more brackets than maxNesting are open anywhere in a .proto text, and where, as "line:column".
func openTooDeep(text string) (at string, deep bool) {
	open := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[', '(', '<':
			if open++; open > maxNesting {
				before := text[:i]
				line := 1 + strings.Count(before, "\n")
				column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
				return strconv.Itoa(line) + ":" + strconv.Itoa(column), true
			}
		case '}', ']', ')', '>':
			open = max(open-1, 0)
		case '"', '\'':
			i = afterString(text, i)
		case '/':
			i = afterComment(text, i)
		}
	}
	return "", false
}

// afterString answers the place of the last character of the string literal that begins at i.
func afterString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote && text[i] != '\n'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// afterComment answers the place of the last character of the comment that begins at i; i itself when none does.
func afterComment(text string, i int) int {
	end := ""
	switch {
	case strings.HasPrefix(text[i:], "//"):
		end = "\n"
	case strings.HasPrefix(text[i:], "/*"):
		end = "*/"
	default:
		return i
	}
	length := strings.Index(text[i+2:], end)
	if length < 0 {
		return len(text)
	}
	return i + 2 + length + len(end) - 1
}
