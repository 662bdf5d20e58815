package schematest

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Sources parses files from a text in a format like txtar: "-- path --" begins each file.
func Sources(text string) []compile.Source {
	var files []compile.Source
	for _, part := range strings.Split("\n"+text, "\n-- ")[1:] {
		name, content, _ := strings.Cut(part+"\n", " --\n")
		files = append(files, compile.Source{Path: name, Content: content})
	}
	return files
}

// Compile compiles files, which must be a valid schema, into a descriptor set.
func Compile(tb testing.TB, files ...compile.Source) []byte {
	tb.Helper()
	set, err := compile.Compile(tb.Context(), files)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}
