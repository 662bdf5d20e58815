package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// snippet is a fenced block of a document.
type snippet struct {
	document string // below the repository
	line     int    // of its first line of text
	language string
	text     string
	// output says that the block shows what the one right before it prints.
	output bool
}

func (s snippet) String() string { return fmt.Sprintf("%s:%d", s.document, s.line) }

// documents are what has snippets for users, and for those who change Postrider.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "client/*.md", "web/client/*.md", "examples/*/*.md", "third_party/*.md"} {
		paths, err := filepath.Glob(fromTop(t, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(fromTop(t, "."), path)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, filepath.ToSlash(name))
		}
	}
	return found
}

const readmeSteps = "tools/try-readme.mjs follows the steps of the README"

// notRun are the snippets that cannot be tried here, by what they begin with.
var notRun = []struct{ document, begins, why string }{
	{"README.md", "make run\n", readmeSteps},
	{"README.md", "WEBHOOK_SECRET=", readmeSteps},
	{"README.md", "bin/postrider listen ", readmeSteps},
	{"README.md", "bin/postrider publish shop.", readmeSteps},
	{"README.md", "postrider: event.data.cancelTime", readmeSteps},
	{"README.md", "curl -H", readmeSteps},
	{"README.md", "bin/postrider subscriptions create billing", readmeSteps},
	{"CONTRIBUTING.md", "make run ", "make builds everything"},
	{"CONTRIBUTING.md", "make gen\n", "it writes to the repository; CI looks at what it writes"},
	{"CONTRIBUTING.md", "make gen\nmake migrations", "they write to the repository; CI looks at what they write"},
	{"docs/architecture.md", "producers ", "a drawing"},
	{"docs/event-types.md", "$ postrider types check", "a breaking change of somebody's own; TestTypes* of the command line print such reports"},
	{"docs/deploy.md", "make release", "tools/try-release.mjs does"},
	{"docs/deploy.md", "make image", "tools/try-release.mjs builds the image and starts it"},
	{"docs/deploy.md", "sudo apt install", "it changes the machine; tools/try-release.mjs looks at what is in the package"},
	{"docs/deploy.md", "postrider serve", "TestCallsPassTheProxiesOfTheDocuments starts such a server"},
	{"docs/on-call.md", "umask 077 && mkdir backup", "it takes the program sqlite3; TestRestore does the same"},
	{"docs/on-call.md", "mv data data.old", "it takes a server that is stopped; TestRestore does the same"},
	{"docs/on-call.md", "pg_dump", "it takes a database of somebody's own"},
	{"docs/on-call.md", "createdb", "it takes a database of somebody's own"},
	{"docs/on-call.md", "umask 077 && openssl", "it takes a restart"},
	{"docs/nats.md", "nats-server", "it takes two programs; newBroker makes such a stream"},
	{"docs/nats.md", "postrider serve", "newShellDocument starts such a server"},
	{"client/README.md", "go get ", "it takes the network; TestUsersOfTheClientRequireFewModules makes such a module"},
	{"web/client/README.md", "npm install", "it takes the network; web/client/e2e/package.test.ts installs the packed package"},
	{"examples/board/README.md", "make board", "web/e2e/board.spec.ts runs it"},
	{"examples/shop/README.md", "make shop", "examples/shop/shop_test.go runs it"},
}

// tried are the languages of snippets, with the test that tries them.
var tried = map[string]string{
	"sh":    "TestShellSnippetsRun",
	"proto": "TestProtoSnippetsCompile",
	"yaml":  "TestTheSnippetOfBufGenGenerates",
	"go":    "TestGoSnippetsCompile",
	"ts":    "TestTypeScriptSnippetsCompile", "tsx": "TestTypeScriptSnippetsCompile", "js": "TestTypeScriptSnippetsCompile",
}

// A new snippet is run by one of the tests here, or is named above with the reason.
func TestEverySnippetIsTried(t *testing.T) {
	t.Parallel()
	excused := map[int]bool{}
	for _, document := range documents(t) {
		for _, one := range allSnippets(t, document) {
			i := excuse(one)
			if excused[i] = true; i < 0 && !one.output && tried[one.language] == "" {
				t.Errorf("%v: nothing tries a snippet in %q", one, one.language)
			}
		}
	}
	for i, one := range notRun {
		if !excused[i] {
			t.Errorf("%s has no snippet any more that begins with %q", one.document, one.begins)
		}
	}
}

// excuse returns which of notRun a snippet is, -1 for none.
func excuse(one snippet) int {
	best := -1
	for i, row := range notRun {
		if row.document == one.document && strings.HasPrefix(one.text, row.begins) && (best < 0 || len(row.begins) > len(notRun[best].begins)) {
			best = i
		}
	}
	return best
}

// snippets returns the snippets of a document that can be tried, in some of the languages or all.
func snippets(t *testing.T, document string, languages ...string) []snippet {
	t.Helper()
	return slices.DeleteFunc(allSnippets(t, document), func(one snippet) bool {
		return excuse(one) >= 0 || len(languages) > 0 && !slices.Contains(languages, one.language)
	})
}

// allSnippets returns the fenced blocks of a document.
func allSnippets(t *testing.T, document string) []snippet {
	t.Helper()
	content, err := os.ReadFile(fromTop(t, document))
	if err != nil {
		t.Fatal(err)
	}
	const fence = "```"
	var found []snippet
	open, ended := false, -1
	for i, line := range strings.SplitAfter(string(content), "\n") {
		language, fenced := strings.CutPrefix(strings.TrimSpace(line), fence)
		switch {
		case fenced && !open:
			follows := ended == i-1 && language == "" && found[len(found)-1].language == "sh"
			found = append(found, snippet{document: document, line: i + 2, language: language, output: follows})
			open = true
		case fenced:
			open, ended = false, i
		case open:
			found[len(found)-1].text += line
		}
	}
	if open {
		t.Fatalf("%s: the last snippet has no end", document)
	}
	return found
}
