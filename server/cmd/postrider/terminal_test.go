package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// hostile is a text that rings, clears a terminal, forges a line, and turns the direction of what follows.
const hostile = "a\x1b]0;owned\x07\x1b[2Jb\r\nforged  line\x7f\u009b31mc\u202egpj.exe\u2066\u200d\U000e0041d"

// expectHarmless wants nothing in the text that a terminal obeys, besides line ends and tabs.
func expectHarmless(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Errorf("%s writes %U: %q", what, r, text)
			return
		}
	}
	if strings.Contains(text, "\nforged") {
		t.Errorf("%s lets a text begin a line: %q", what, text)
	}
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	encoded, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// A subject, a source or a payload must not steer the terminal of a person who looks on, and --json stays JSON with the
// same value.
func TestForeignTextIsEscapedInATerminal(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	line := `{"type":"order.created","subject":` + quoted(t, hostile) + `,"data":{"text":` + quoted(t, hostile) + `,` + quoted(t, hostile) + `:1}}` + "\n"
	i.must(line, "publish", "--ndjson", "-")
	i.must("", "subscriptions", "create", "billing", "--url", "http://127.0.0.1:1/", "--description", hostile)

	for _, args := range [][]string{
		{"tail", "--start", "earliest", "--count", "1"},
		{"tail", "--start", "earliest", "--count", "1", "--json"},
		{"subscriptions", "list"},
		{"subscriptions", "list", "--json"},
		{"subscriptions", "update", "billing", "--concurrency", "3"},
	} {
		got := i.run("", args...)
		if got.code != exitOK {
			t.Fatalf("%v: %s", args, got.stderr)
		}
		expectHarmless(t, strings.Join(args, " "), got.stdout)
	}
	shown := i.must("", "tail", "--start", "earliest", "--count", "1", "--json")
	var event struct {
		Subject string
		Data    map[string]any
	}
	if err := json.Unmarshal([]byte(shown), &event); err != nil || event.Subject != hostile || event.Data["text"] != hostile {
		t.Errorf("--json holds %q, %v", event, err)
	}
	if !strings.Contains(i.must("", "tail", "--start", "earliest", "--count", "1"), `\u001b]0;owned\u0007`) {
		t.Error("the text is not shown escaped")
	}
	for _, args := range [][]string{
		{"subscriptions", "show", hostile},
		{"subscriptions", "pause", hostile},
		{"types", "show", hostile},
		{"keys", "revoke", hostile},
		{"publish", hostile, "{}"},
		{hostile},
		{"tail", "--" + hostile},
		{"tail", "--start", hostile},
		{"tail", "--expression", hostile},
	} {
		got := i.run("", args...)
		if got.code == exitOK {
			t.Errorf("%q succeeds", args)
		}
		expectHarmless(t, strings.Join(args, " "), got.stdout+got.stderr)
	}
}

func TestATerminalPutsSplitCharactersTogether(t *testing.T) {
	t.Parallel()
	const text = "ä\u202e€\U0001F600\x1b\n\tz"
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		to := newTerminal(&out)
		for rest := []byte(text); len(rest) > 0; {
			n := min(size, len(rest))
			if written, err := to.Write(rest[:n]); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if want := "ä\\u202e€\U0001F600\\u001b\n\tz"; out.String() != want {
			t.Errorf("in pieces of %d: %q", size, out.String())
		}
	}
	var out bytes.Buffer
	_, _ = newTerminal(&out).Write([]byte("a\x9b31m\xffb"))
	if out.String() != "a\ufffd31m\ufffdb" {
		t.Errorf("what is no UTF-8: %q", out.String())
	}
}

// Every command writes through the escaping writer, and a line that is put together goes through say, table or visible.
func TestCommandsWriteThroughTheTerminal(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`os\.Std(out|err)|fmt\.Print`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "main.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := direct.Find(text); found != nil {
			t.Errorf("%s writes to %s itself", name, found)
		}
	}
}

// What tail --json shows is what publish --ndjson takes.
func TestTailFeedsPublish(t *testing.T) {
	t.Parallel()
	from, to := newInstance(t), newInstance(t)
	from.must(`{"id":"n1","type":"order.created","subject":`+quoted(t, hostile)+`,"source":"/till","time":"2026-01-02T03:04:05.000000007Z","data":{"big":9007199254740993,"x":1.10}}
{"id":"n2","type":"order.closed","data":{"text":`+quoted(t, hostile)+`}}
`, "publish", "--ndjson", "-")
	args := []string{"tail", "--start", "earliest", "--count", "2", "--json"}
	shown := from.must("", args...)
	if out := to.must(shown, "publish", "--ndjson", "-"); out != "2 published, 0 of them duplicates\n" {
		t.Fatalf("printed %q", out)
	}
	without := regexp.MustCompile(`,"cursor".*`)
	if again := to.must("", args...); without.ReplaceAllString(again, "") != without.ReplaceAllString(shown, "") {
		t.Errorf("from %s\nto   %s", shown, again)
	}
}

// Text that looks like colours of a command's own is escaped, while the colours are not.
func TestOwnColoursPass(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	to := newTerminal(&out)
	if unescaped(to) != io.Writer(&out) || unescaped(&out) != io.Writer(&out) {
		t.Error("unescaped does not reach the writer below")
	}
	if err := say(to, "%s %d %v\n", hostile, 1, os.ErrNotExist); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q, %v", out.String(), err)
	}
	expectHarmless(t, "say", out.String())
}
