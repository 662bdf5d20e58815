package compile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// TestImportsAreReadAsTheCompilerReadsThem tests spellings that a line-based pattern misses or mistakes for an import.
func TestImportsAreReadAsTheCompilerReadsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`import "a.proto"; import 'b.proto';`:                                        {"a.proto", "b.proto"},
		`syntax = "proto3"; import public 'a.proto'; import weak "b.proto";`:         {"a.proto", "b.proto"},
		"import\n  /* the base */\n  \"a.proto\"\n;":                                 {"a.proto"},
		`import "shop" "/" 'v1' "/a.proto";`:                                         {"shop/v1/a.proto"},
		`import "\x61.proto"; import "\142.proto";`:                                  {"a.proto", "b.proto"},
		"\ufeffsyntax = \"proto3\"; import \"a.proto\";":                             {"a.proto"},
		"/*\nimport \"no.proto\";\n*/\n// import \"no.proto\";\nimport \"a.proto\";": {"a.proto"},
		"option x = \"\\\nimport 'no.proto';\"; import \"a.proto\";":                 {"a.proto"},
		`import "a.proto"; import "a.proto";`:                                        {"a.proto"},
		`import "a.proto"; message { } import "b.proto";`:                            {"a.proto", "b.proto"},
		"":                          nil,
		"message M {":               nil,
		"no proto \x00 \xff at all": nil,
	} {
		if got := compile.Imports(text); !slices.Equal(got, want) {
			t.Errorf("%q imports %q, want %q", text, got, want)
		}
	}
}

// TestEditionAfterAByteOrderMark expects such a file to be refused like every edition that the compiler does not know.
func TestEditionAfterAByteOrderMark(t *testing.T) {
	t.Parallel()
	_, plain := compile.Compile(t.Context(), []compile.Source{{Path: "a.proto", Content: `edition = "2024";`}})
	_, marked := compile.Compile(t.Context(), []compile.Source{{Path: "a.proto", Content: "\ufeff" + `edition = "2024";`}})
	if plain == nil || marked == nil || !strings.Contains(reason(plain), "edition") || !strings.Contains(reason(marked), "edition") {
		t.Errorf("%v, and after a mark %v", plain, marked)
	}
}
