package compat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	const head = "syntax = \"proto3\"; import \"buf/validate/validate.proto\"; package a;\n"
	for _, test := range []struct {
		name, before, after string
		want                []string // "kind element: before → after"
	}{
		{"comments", "// One.\nmessage M { int32 a = 1; }", "// Two.\nmessage M {\n  // New.\n  int32 a = 1; }", nil},
		{"another message of the file", "message M {} message N {}", "message M {} message N { int32 a = 1; }", nil},
		{
			"field added, renamed, removed", "message M { int32 a = 1; string b = 2; }", "message M { repeated int32 c = 3; string d = 2; }",
			[]string{
				"1 a.M.c:  → repeated int32 c = 3;", "3 a.M.d: string b = 2; → string d = 2;", "2 a.M.a: int32 a = 1; → ",
			},
		},
		{
			"rules", "message M { int32 a = 1 [(buf.validate.field).int32.gt = 0]; }",
			"message M { int32 a = 1 [(buf.validate.field).int32 = {gt: 0, lte: 9}, (buf.validate.field).required = true, deprecated = true]; }",
			[]string{
				"3 a.M.a: int32 a = 1 [(buf.validate.field).int32.gt = 0]; → " +
					"int32 a = 1 [deprecated = true, (buf.validate.field) = {int32: {lte: 9, gt: 0}, required: true}];",
			},
		},
		{
			"the message's own", "message M { reserved 2 to 3; }",
			"message M { option (buf.validate.message).cel = {id: \"x\", expression: \"true\"}; reserved 2 to 3; reserved \"y\"; }",
			[]string{"3 a.M: message M\n  reserved 2 to 3; → message M\n" +
				"  option (buf.validate.message) = {cel: [{id: \"x\", expression: \"true\"}]};\n  reserved 2 to 3;\n  reserved \"y\";"},
		},
		{
			"oneof", "message M { oneof o { int32 a = 1; } }", "message M { oneof o { option (buf.validate.oneof).required = true; int32 a = 1; string b = 2; } }",
			[]string{
				"3 a.M.o: oneof o → oneof o\n  option (buf.validate.oneof).required = true;",
				"1 a.M.b:  → string b = 2; // of the oneof o",
			},
		},
		{
			"presence, maps, JSON names", "message M { int32 a = 1; map<string, int32> b = 2; }", "message M { optional int32 a = 1; map<string, N> b = 2 [json_name = \"B\"]; } message N {}",
			[]string{
				"3 a.M.a: int32 a = 1; → optional int32 a = 1;",
				"3 a.M.b: map<string, int32> b = 2; → map<string, a.N> b = 2 [json_name = \"B\"];",
				"1 a.N:  → message N",
			},
		},
		{
			"enum", "message M { E e = 1; } enum E { X = 0; Y = 1; }", "message M { E e = 1; } enum E { X = 0; Z = 1 [deprecated = true]; Q = 2; }",
			[]string{"3 a.E.Z: Y = 1; → Z = 1 [deprecated = true];", "1 a.E.Q:  → Q = 2;"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			difference := compare(t, "a.M", compile.Source{Path: "a.proto", Content: head + test.before},
				compile.Source{Path: "a.proto", Content: head + test.after})
			var got []string
			for _, one := range difference.Changes {
				got = append(got, fmt.Sprintf("%d %s: %s → %s", one.Kind, one.Element, one.Before, one.After))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// A change of features is reported, although the declaration reads the same.
func TestChangesOfFeatures(t *testing.T) {
	t.Parallel()
	const body = "message M { int32 a = 1; }"
	difference := compare(t, "M", compile.Source{Path: "a.proto", Content: "syntax = \"proto3\";" + body},
		compile.Source{Path: "a.proto", Content: "edition = \"2023\";" + body})
	if len(difference.Changes) != 1 || difference.Changes[0].After != "optional int32 a = 1;" {
		t.Error(difference.Changes)
	}
}
