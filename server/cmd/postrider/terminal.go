package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// terminal is what every command writes to. Text that others have chosen must not steer a person's terminal, so control,
// format and bidirectional characters are written as \u and their number. In JSON, where they can only stand inside of
// texts, that is the same value. Line ends and tabs pass: they are ours, since visible has escaped those of others.
type terminal struct {
	mu sync.Mutex
	to io.Writer
	// rest is the beginning of a character whose end comes with the next Write.
	rest []byte
}

func newTerminal(to io.Writer) *terminal { return &terminal{to: to} }

// Write escapes text and writes it.
func (t *terminal) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	whole := append(t.rest, text...)
	end := len(whole)
	for start := max(0, end-utf8.UTFMax); start < end; start++ {
		if utf8.RuneStart(whole[start]) && !utf8.FullRune(whole[start:]) {
			end = start
			break
		}
	}
	if _, err := io.WriteString(t.to, escape(string(whole[:end]), "\n\t")); err != nil {
		return 0, err
	}
	t.rest = append([]byte(nil), whole[end:]...)
	return len(text), nil
}

// unescaped is where a command writes sequences of its own, such as colours, around text that is visible.
func unescaped(w io.Writer) io.Writer {
	if t, ok := w.(*terminal); ok {
		return t.to
	}
	return w
}

// visible makes one line of a text that others have chosen, with nothing in it that a terminal obeys.
func visible(text string) string { return escape(text, "") }

// say writes a line or more for a person. Every text among the arguments is made visible.
func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, visibleArgs(args)...)
	return err
}

func visibleArgs(args []any) []any {
	shown := make([]any, len(args))
	for i, arg := range args {
		switch text := arg.(type) {
		case string:
			shown[i] = visible(text)
		case fmt.Stringer:
			shown[i] = visible(text.String())
		case error:
			shown[i] = visible(text.Error())
		default:
			shown[i] = arg
		}
	}
	return shown
}

func escape(text, keep string) string {
	if !strings.ContainsFunc(text, hidden) && utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune(keep, r) || !hidden(r):
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// hidden reports whether a character is not shown but does something: C0, DEL and C1 controls, format characters, those
// that turn the direction of text among them, and what else ends a line.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
