package compat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// pair is a schema before and after a change, and the incompatibilities that Compare must find, each as "rule line:column
// element". The type is the message M. A text without a syntax line is proto3.
type pair struct {
	name, before, after string
	want                []string
}

const reservedBoth = "reserved 1; reserved \"a\";"

var pairs = []pair{
	{name: "nothing", before: "message M { int32 a = 1; }", after: "// new comment\nmessage M { int32 a = 1; }"},
	{name: "field added", before: "message M {}", after: "message M { int32 a = 1; }"},
	{name: "field removed", before: "message M { int32 a = 1; }", after: "message M {}", want: []string{"1 3:1 M.a"}},
	{name: "field removed, number reserved", before: "message M { int32 a = 1; }", after: "message M { reserved 1; }", want: []string{"1 3:1 M.a"}},
	{name: "field removed, name reserved", before: "message M { int32 a = 1; }", after: "message M { reserved \"a\"; }", want: []string{"1 3:1 M.a"}},
	{name: "field removed and reserved", before: "message M { int32 a = 1; }", after: "message M { " + reservedBoth + " }"},
	{name: "field renumbered", before: "message M { int32 a = 1; }", after: "message M {\n  int32 a = 2;\n}", want: []string{"2 4:3 M.a"}},
	{name: "field renumbered, number reserved", before: "message M { int32 a = 1; }", after: "message M {\n  reserved 1;\n  int32 a = 2;\n}", want: []string{"2 5:3 M.a"}},
	{name: "field renamed", before: "message M { int32 a = 1; }", after: "message M { int32 b = 1; }", want: []string{"4 3:13 M.b"}},
	{name: "field renamed, JSON name kept", before: "message M { int32 a = 1; }", after: "message M { int32 b = 1 [json_name = \"a\"]; }", want: []string{"4 3:13 M.b"}},
	{name: "JSON name changed", before: "message M { int32 a = 1; }", after: "message M { int32 a = 1 [json_name = \"A\"]; }", want: []string{"4 3:13 M.a"}},
	{name: "two names swapped", before: "message M { int32 a = 1; int32 b = 2; }", after: "message M { int32 b = 1; int32 a = 2; }", want: []string{"4 3:13 M.b", "4 3:26 M.a"}},
	{name: "int32 to int64", before: "message M { int32 a = 1; }", after: "message M { int64 a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "int32 to uint32", before: "message M { int32 a = 1; }", after: "message M { uint32 a = 1; }"},
	{name: "int64 to uint64", before: "message M { int64 a = 1; }", after: "message M { uint64 a = 1; }"},
	{name: "int32 to sint32", before: "message M { int32 a = 1; }", after: "message M { sint32 a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "fixed32 to sfixed32", before: "message M { fixed32 a = 1; }", after: "message M { sfixed32 a = 1; }"},
	{name: "fixed64 to sfixed64", before: "message M { fixed64 a = 1; }", after: "message M { sfixed64 a = 1; }"},
	{name: "string to bytes", before: "message M { string a = 1; }", after: "message M { bytes a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "int32 to bool", before: "message M { int32 a = 1; }", after: "message M { bool a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "float to double", before: "message M { float a = 1; }", after: "message M { double a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "int32 to enum", before: "message M { int32 a = 1; }", after: "message M { E a = 1; } enum E { X = 0; }", want: []string{"3 3:13 M.a"}},
	{name: "string to message", before: "message M { string a = 1; }", after: "message M { N a = 1; } message N {}", want: []string{"3 3:13 M.a"}},
	{name: "another message", before: "message M { N a = 1; } message N {} message O {}", after: "message M { O a = 1; } message N {} message O {}", want: []string{"3 3:13 M.a"}},
	{name: "message replaced", before: "message M { N a = 1; } message N {}", after: "message M { O a = 1; } message O {}", want: []string{"9 3:13 M.a"}},
	{name: "message became an enum", before: "message M { N a = 1; } message N {}", after: "message M { N a = 1; } enum N { X = 0; }", want: []string{"3 3:13 M.a"}},
	{name: "single to repeated", before: "message M { int32 a = 1; }", after: "message M { repeated int32 a = 1; }", want: []string{"5 3:13 M.a"}},
	{name: "repeated to single", before: "message M { repeated N a = 1; } message N {}", after: "message M { N a = 1; } message N {}", want: []string{"5 3:13 M.a"}},
	{name: "single to optional", before: "message M { int32 a = 1; }", after: "message M { optional int32 a = 1; }"},
	{name: "packed to expanded", before: "message M { repeated int32 a = 1; }", after: "message M { repeated int32 a = 1 [packed = false]; }"},
	{name: "map to repeated", before: "message M { map<string, int32> a = 1; }", after: "message M { repeated E a = 1; } message E { string key = 1; int32 value = 2; }", want: []string{"5 3:13 M.a"}},
	{name: "map's keys", before: "message M { map<string, int32> a = 1; }", after: "message M { map<int32, int32> a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "map's values", before: "message M { map<string, int32> a = 1; }", after: "message M { map<string, string> a = 1; }", want: []string{"3 3:13 M.a"}},
	{name: "in a map's message", before: "message M { map<string, N> a = 1; } message N { int32 b = 1; }", after: "message M { map<string, N> a = 1; } message N { string b = 1; }", want: []string{"3 3:49 N.b"}},
	{name: "into a oneof", before: "message M { int32 a = 1; }", after: "message M { oneof o { int32 a = 1; } }", want: []string{"6 3:23 M.a"}},
	{name: "out of a oneof", before: "message M { oneof o { int32 a = 1; } }", after: "message M { int32 a = 1; }", want: []string{"6 3:13 M.a"}},
	{name: "oneof renamed", before: "message M { oneof o { int32 a = 1; } }", after: "message M { oneof p { int32 a = 1; } }", want: []string{"6 3:23 M.a"}},
	{name: "oneof field added", before: "message M { oneof o { int32 a = 1; } }", after: "message M { oneof o { int32 a = 1; int32 b = 2; } }"},
	{name: "nested", before: "message M { N n = 1; message N { O o = 1; } message O { M m = 1; string s = 2; } }", after: "message M { N n = 1; message N { O o = 1; } message O { M m = 1; int64 s = 2; } }", want: []string{"3 3:66 M.O.s"}},
	{name: "value removed", before: "message M { E e = 1; } enum E { X = 0; Y = 1; }", after: "message M { E e = 1; } enum E { X = 0; }", want: []string{"7 3:24 E.Y"}},
	{name: "value removed and reserved", before: "message M { E e = 1; } enum E { X = 0; Y = 1; }", after: "message M { E e = 1; } enum E { X = 0; reserved 1; reserved \"Y\"; }"},
	{name: "value removed, number reserved", before: "message M { E e = 1; } enum E { X = 0; Y = 1; }", after: "message M { E e = 1; } enum E { X = 0; reserved 1; }", want: []string{"7 3:24 E.Y"}},
	{name: "value renamed", before: "message M { E e = 1; } enum E { X = 0; Y = 1; }", after: "message M { E e = 1; } enum E { X = 0; Z = 1; }", want: []string{"8 3:40 E.Y"}},
	{name: "value renumbered", before: "message M { E e = 1; } enum E { X = 0; Y = 1; }", after: "message M { E e = 1; } enum E { X = 0; Y = 2; }", want: []string{"8 3:40 E.Y"}},
	{name: "value added", before: "message M { E e = 1; } enum E { X = 0; }", after: "message M { E e = 1; } enum E { X = 0; Y = 1; }"},
	{name: "alias added", before: "message M { E e = 1; } enum E { X = 0; }", after: "message M { E e = 1; } enum E { option allow_alias = true; X = 0; Y = 0; }"},
	{name: "another enum", before: "message M { E e = 1; } enum E { X = 0; } enum F { Y = 0; }", after: "message M { F e = 1; } enum E { X = 0; } enum F { Y = 0; }", want: []string{"3 3:13 M.e"}},
	{name: "enum opened", before: "edition = \"2023\"; message M { E e = 1; } enum E { option features.enum_type = CLOSED; X = 0; }", after: "edition = \"2023\"; message M { E e = 1; } enum E { X = 0; }"},
	{name: "enum closed", before: "edition = \"2023\"; message M { E e = 1; } enum E { X = 0; }", after: "edition = \"2023\"; message M { E e = 1; } enum E { option features.enum_type = CLOSED; X = 0; }"},
	{name: "delimited", before: "edition = \"2023\"; message M { N n = 1; } message N {}", after: "edition = \"2023\"; message M { N n = 1 [features.message_encoding = DELIMITED]; } message N {}", want: []string{"3 2:31 M.n"}},
	{name: "optional to required", before: "syntax = \"proto2\"; message M { optional int32 a = 1; }", after: "syntax = \"proto2\"; message M { required int32 a = 1; }", want: []string{"5 2:32 M.a"}},
	{name: "required to optional", before: "syntax = \"proto2\"; message M { required int32 a = 1; }", after: "syntax = \"proto2\"; message M { optional int32 a = 1; }", want: []string{"5 2:32 M.a"}},
	{name: "required added", before: "syntax = \"proto2\"; message M {}", after: "syntax = \"proto2\"; message M { required int32 a = 1; }", want: []string{"5 2:32 M.a"}},
	{name: "default changed", before: "syntax = \"proto2\"; message M { optional int32 a = 1; }", after: "syntax = \"proto2\"; message M { optional int32 a = 1 [default = 3]; }", want: []string{"3 2:32 M.a"}},
	{name: "default of an enum changed", before: "syntax = \"proto2\"; message M { optional E e = 1; } enum E { X = 1; Y = 2; }", after: "syntax = \"proto2\"; message M { optional E e = 1; } enum E { Y = 2; X = 1; }", want: []string{"3 2:32 M.e"}},
	{name: "number no longer reserved", before: "message M { reserved 3 to 5, 9; }", after: "message M { reserved 3 to 4, 5, 6; }", want: []string{"1 3:1 M"}},
	{name: "name no longer reserved", before: "message M { reserved \"x\"; }", after: "message M {}", want: []string{"1 3:1 M"}},
	{name: "value no longer reserved", before: "message M { E e = 1; } enum E { X = 0; reserved 3; }", after: "message M { E e = 1; } enum E { X = 0; }", want: []string{"7 3:24 E"}},
	{name: "rule added", before: ruled + "message M { int32 a = 1; }", after: ruled + "message M { int32 a = 1 [(buf.validate.field).int32.gt = 0]; }"},
}

// ruled is the beginning of a file with rules.
const ruled = "syntax = \"proto3\"; import \"buf/validate/validate.proto\";\n"

// text returns one side of a pair as a file of the package p<i>. The compared text begins in line 3, or in line 2 if it has
// a syntax line of its own.
func (p pair) text(i int, body string) string {
	pkg := fmt.Sprintf("package p%d;", i)
	for _, keyword := range []string{"syntax", "edition"} {
		if strings.HasPrefix(body, keyword) {
			head, rest, _ := strings.Cut(body, ";")
			return head + "; " + pkg + "\n" + strings.Repeat(" ", len(head)+1) + rest
		}
	}
	return "syntax = \"proto3\";\n" + pkg + "\n" + body
}

func (p pair) sides(i int) (before, after compile.Source) {
	path := fmt.Sprintf("p%d/m.proto", i)
	return compile.Source{Path: path, Content: p.text(i, p.before)}, compile.Source{Path: path, Content: p.text(i, p.after)}
}

func compare(tb testing.TB, message string, before, after compile.Source) compat.Difference {
	tb.Helper()
	difference, err := compat.Compare(schematest.Candidate(tb, message, before), schematest.Candidate(tb, message, after))
	if err != nil {
		tb.Fatal(err)
	}
	return difference
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for i, test := range pairs {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, after := test.sides(i)
			pkg := fmt.Sprintf("p%d.", i)
			var got []string
			for _, one := range compare(t, pkg+"M", before, after).Incompatibilities {
				got = append(got, fmt.Sprintf("%d %d:%d %s", one.Rule, one.Line, one.Column, strings.TrimPrefix(one.Element, pkg)))
				if one.File != after.Path || one.Message == "" {
					t.Errorf("%+v", one)
				}
				t.Log(one.Message)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

// TestCompareAgreesWithBuf compares with what buf reports for the same pairs.
func TestCompareAgreesWithBuf(t *testing.T) {
	t.Parallel()
	buf, err := filepath.Abs("../../../node_modules/.bin/buf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(buf); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("buf is not installed: npm ci")
		}
		t.Skip("SKIPPED: buf is not installed, run `npm ci`; nothing holds Compare against it")
	}
	var before, after []compile.Source
	for i, one := range pairs {
		was, is := one.sides(i)
		before, after = append(before, was), append(after, is)
	}
	broken := askBuf(t, buf, schematest.Compile(t, before...), schematest.Compile(t, after...))
	for i, one := range pairs {
		said := broken[fmt.Sprintf("p%d/m.proto", i)]
		if (len(said) > 0) != (len(one.want) > 0) {
			t.Errorf("%s: buf says %q, Compare is to find %q", one.name, said, one.want)
		}
	}
}

// askBuf returns the findings of buf breaking by file.
func askBuf(t *testing.T, buf string, before, after []byte) map[string][]string {
	t.Helper()
	folder := t.TempDir()
	for name, set := range map[string][]byte{"before.binpb": before, "after.binpb": after} {
		if err := os.WriteFile(filepath.Join(folder, name), set, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), buf, "breaking", "after.binpb", "--against", "before.binpb",
		"--config", `{"version":"v2","breaking":{"use":["WIRE_JSON"]}}`, "--error-format", "json")
	command.Dir = folder
	var faults bytes.Buffer
	command.Stderr = &faults
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 100) {
		t.Fatal(err, faults.String())
	}
	said := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		var one struct{ Path, Type, Message string }
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err, line)
		}
		said[one.Path] = append(said[one.Path], one.Type+": "+one.Message)
	}
	if len(said) == 0 {
		t.Fatal("buf finds nothing at all")
	}
	return said
}
