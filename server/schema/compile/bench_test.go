package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// BenchmarkSelect500 compiles and selects 500 event types with rules. They are in 50 files, each of which imports another.
func BenchmarkSelect500(b *testing.B) {
	var files []compile.Source
	for file := range 50 {
		var text strings.Builder
		fmt.Fprintf(&text, "syntax = \"proto3\";\npackage p%d;\nimport \"buf/validate/validate.proto\";\n", file)
		if file > 0 {
			fmt.Fprintf(&text, "import \"p%d.proto\";\n", file-1)
		}
		for message := range 10 {
			fmt.Fprintf(&text, "// Message %d.\nmessage M%d {\n  string id = 1 [(buf.validate.field).string.min_len = 1];\n"+
				"  int64 total = 2 [(buf.validate.field).cel = {id: \"x\", expression: \"this > 0\"}];\n}\n", message, message)
		}
		files = append(files, compile.Source{Path: fmt.Sprintf("p%d.proto", file), Content: text.String()})
	}
	b.ReportAllocs()
	for b.Loop() {
		types, err := compile.Select(schematest.Compile(b, files...), compile.Selection{All: true})
		if err != nil || len(types) != 500 {
			b.Fatal(len(types), err)
		}
	}
}
