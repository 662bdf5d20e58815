package compile

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxNesting bounds the number of brackets that are open at once in a .proto file, because compilers are recursive.
const maxNesting = 100

// openTooDeep reports whether more than maxNesting brackets are open at any place of a .proto text, and returns the first
// such place as "line:column".
func openTooDeep(text string) (at string, deep bool) {
	open := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[', '(', '<':
			if open++; open > maxNesting {
				return lineAndColumn(text, i), true
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

// lineAndColumn returns a place in a text as "line:column".
func lineAndColumn(text string, i int) string {
	before := text[:i]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return strconv.Itoa(line) + ":" + strconv.Itoa(column)
}

// editionOf returns the edition that a .proto text declares, and its place as "line:column"; both are empty when there is
// none. The edition is checked before compiling, because the compiler does not know the syntax of newer ones.
func editionOf(text string) (edition, at string) {
	i := len(text) - len(strings.TrimPrefix(text, "\ufeff"))
	for i < len(text) {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == '/' && afterComment(text, i) > i:
			i = afterComment(text, i)
		default:
			if found := editionStatement().FindStringSubmatchIndex(text[i:]); found != nil {
				return text[i+found[2] : i+found[3]], lineAndColumn(text, i+found[2]-1)
			}
			return "", ""
		}
		i++
	}
	return "", ""
}

func editionStatement() *regexp.Regexp {
	return regexp.MustCompile(`^edition\s*=\s*["']([^"'\n]*)["']`)
}

// afterString returns the index of the last character of the string literal that begins at i.
func afterString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote && text[i] != '\n'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// afterComment returns the index of the last character of the comment that begins at i, or i if no comment begins there.
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
