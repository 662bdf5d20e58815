package compat_test

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// ingredient is one input on which checking a payload of a.M may depend, before and after a change to it alone. A text
// without file names is a.proto.
type ingredient struct {
	name, before, after string
	same                bool
}

const (
	proto3Head = "syntax = \"proto3\"; package a;\n"
	proto2Head = "syntax = \"proto2\"; package a;\n"
	year2023   = "edition = \"2023\"; package a;\n"
	withAny    = proto3Head + "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any any = 1; }\n"
	ruleFile   = "-- rule.proto --\nsyntax = \"proto2\"; package r; import \"buf/validate/validate.proto\";\n" +
		"extend buf.validate.Int32Rules { optional int32 below = 1001 [(buf.validate.predefined).cel = {id: \"b\", expression: \"RULE\"}]; }\n"
	underRule = "-- a.proto --\n" + proto3Head + "import \"buf/validate/validate.proto\"; import \"rule.proto\";\n" +
		"message M { int32 i = 1 [(buf.validate.field).int32.(r.below) = 9]; }\n"
	optionFile = "-- option.proto --\nsyntax = \"proto3\"; package o; import \"google/protobuf/descriptor.proto\";\n" +
		"extend google.protobuf.FieldOptions { double ratio = 5001; }\n"
	extended  = "-- a.proto --\n" + proto2Head + "message M { extensions 100 to 200; }\n"
	extension = "-- ext.proto --\nsyntax = \"proto2\"; package x; import \"a.proto\";\n"
	event     = proto3Head + "import \"postrider/v1/option.proto\"; message M { option (postrider.v1.event) = {"
)

var ingredients = []ingredient{
	{"comment", proto3Head + "message M { int32 i = 1; }", proto3Head + "// New.\nmessage M { int32 i = 1; }", true},
	{"order of fields", proto3Head + "message M { int32 i = 1; int32 j = 2; }", proto3Head + "message M { int32 j = 2; int32 i = 1; }", true},
	{"another message", proto3Head + "message M {} message N {}", proto3Head + "message M {} message N { int32 i = 1; }", true},
	{"option of the file", proto3Head + "message M {}", proto3Head + "option java_package = \"x\"; message M {}", true},
	{"field", proto3Head + "message M {}", proto3Head + "message M { int32 i = 1; }", false},
	{"type", proto3Head + "message M { int32 i = 1; }", proto3Head + "message M { uint32 i = 1; }", false},
	{"JSON name", proto3Head + "message M { int32 i = 1; }", proto3Head + "message M { int32 i = 1 [json_name = \"j\"]; }", false},
	{"presence", proto3Head + "message M { int32 i = 1; }", proto3Head + "message M { optional int32 i = 1; }", false},
	{"presence of the file", year2023 + "message M { int32 i = 1; }", year2023 + "option features.field_presence = IMPLICIT; message M { int32 i = 1; }", false},
	{"cardinality", proto3Head + "message M { int32 i = 1; }", proto3Head + "message M { repeated int32 i = 1; }", false},
	{"oneof", proto3Head + "message M { oneof o { int32 i = 1; } int32 j = 2; }", proto3Head + "message M { oneof o { int32 i = 1; int32 j = 2; } }", false},
	{"default", proto2Head + "message M { optional double d = 1 [default = 1e-9]; }", proto2Head + "message M { optional double d = 1 [default = 2e-9]; }", false},
	{"reservation", proto3Head + "message M {}", proto3Head + "message M { reserved 9; }", false},
	{"packing of the file", year2023 + "message M { repeated int32 i = 1; }", year2023 + "option features.repeated_field_encoding = EXPANDED; message M { repeated int32 i = 1; }", false},
	{"delimited by the file", year2023 + "message M { M m = 1; }", year2023 + "option features.message_encoding = DELIMITED; message M { M m = 1; }", false},
	{"name of a value", proto3Head + "message M { E e = 1; } enum E { X = 0; }", proto3Head + "message M { E e = 1; } enum E { Y = 0; }", false},
	{"alias", proto3Head + "message M { E e = 1; } enum E { option allow_alias = true; X = 0; Y = 0; }", proto3Head + "message M { E e = 1; } enum E { option allow_alias = true; Y = 0; X = 0; }", false},
	{"closed enum", year2023 + "message M { E e = 1; } enum E { X = 0; }", year2023 + "option features.enum_type = CLOSED; message M { E e = 1; } enum E { X = 0; }", false},
	{"first value", proto2Head + "message M { optional E e = 1; } enum E { X = 1; Y = 2; }", proto2Head + "message M { optional E e = 1; } enum E { Y = 2; X = 1; }", false},
	{"rule of a field", proto3Head + "import \"buf/validate/validate.proto\"; message M { int32 i = 1 [(buf.validate.field).int32.gt = 1]; }", proto3Head + "import \"buf/validate/validate.proto\"; message M { int32 i = 1 [(buf.validate.field).int32.gt = 2]; }", false},
	{"rule of the message", proto3Head + "import \"buf/validate/validate.proto\"; message M { int32 i = 1; }", proto3Head + "import \"buf/validate/validate.proto\"; message M { int32 i = 1; option (buf.validate.message).cel = {id: \"x\", expression: \"this.i > 1\"}; }", false},
	{"predefined rule", strings.Replace(ruleFile, "RULE", "this < rule", 1) + underRule, strings.Replace(ruleFile, "RULE", "this <= rule", 1) + underRule, false},
	{"predefined rule that is not used", strings.Replace(ruleFile, "RULE", "this < rule", 1) + "-- a.proto --\n" + proto3Head + "import \"rule.proto\"; message M {}", strings.Replace(ruleFile, "RULE", "this <= rule", 1) + "-- a.proto --\n" + proto3Head + "import \"rule.proto\"; message M {}", true},
	{"small number in an option", optionFile + "-- a.proto --\n" + proto3Head + "import \"option.proto\"; message M { int32 i = 1 [(o.ratio) = 1e-9]; }", optionFile + "-- a.proto --\n" + proto3Head + "import \"option.proto\"; message M { int32 i = 1 [(o.ratio) = 2e-9]; }", false},
	{"subject", event + "subject: \"a\"}; string a = 1; string b = 2; }", event + "subject: \"b\"}; string a = 1; string b = 2; }", false},
	{"ordering key", event + "}; string a = 1; }", event + "ordering_key: \"a\"}; string a = 1; }", false},
	{"field in an Any", withAny + "message N {}", withAny + "message N { int32 i = 1; }", false},
	{"type in an Any", withAny + "message N { int32 i = 1; }", withAny + "message N { string i = 1; }", false},
	{"message for an Any", withAny, withAny + "message N {}", false},
	{"message for an Any in another file", "-- a.proto --\n" + withAny, "-- a.proto --\n" + withAny + "-- b.proto --\nsyntax = \"proto3\"; message N {}", false},
	{"message beside a type without an Any", "-- a.proto --\n" + proto3Head + "message M {}", "-- a.proto --\n" + proto3Head + "message M {}\n-- b.proto --\nsyntax = \"proto3\"; message N {}", true},
	{"extension", extended, extended + extension + "extend a.M { optional int32 i = 100; }", false},
	{"type of an extension", extended + extension + "extend a.M { optional int32 i = 100; }", extended + extension + "extend a.M { optional string i = 100; }", false},
	{"name of an extension", extended + extension + "extend a.M { optional int32 i = 100; }", extended + extension + "message In { extend a.M { optional int32 i = 100; } }", false},
	{"message in an extension", extended + extension + "extend a.M { optional N n = 100; } message N {}", extended + extension + "extend a.M { optional N n = 100; } message N { optional int32 i = 1; }", false},
	{"extension of another message", extended + "-- b.proto --\nsyntax = \"proto2\"; message N { extensions 1 to 9; }", extended + "-- b.proto --\nsyntax = \"proto2\"; message N { extensions 1 to 9; } extend N { optional int32 i = 1; }", true},
}

// TestIdentityOfVersions changes each ingredient alone. An ingredient that is used to check, read or show a payload makes
// another version and appears in the changes. Any other makes no version.
func TestIdentityOfVersions(t *testing.T) {
	t.Parallel()
	for _, one := range ingredients {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			before, after := schematest.Candidate(t, "a.M", ingredientFiles(one.before)...), schematest.Candidate(t, "a.M", ingredientFiles(one.after)...)
			was, err := before.Identity()
			if err != nil {
				t.Fatal(err)
			}
			is, err := after.Identity()
			if err != nil {
				t.Fatal(err)
			}
			if (was == is) != one.same {
				t.Errorf("the same version: %t, want %t", was == is, one.same)
			}
			difference, err := compat.Compare(before, after)
			if err != nil || (len(difference.Changes) == 0) != one.same {
				t.Errorf("changes %+v, %v", difference.Changes, err)
			}
		})
	}
}

func ingredientFiles(text string) []compile.Source {
	if !strings.HasPrefix(text, "-- ") {
		text = "-- a.proto --\n" + text
	}
	return schematest.Sources(text)
}

// TestRemovedFromAnAnyOrAnExtensionBreaks checks that removing what payloads could hold outside of declared fields is an
// incompatibility, too.
func TestRemovedFromAnAnyOrAnExtensionBreaks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		before, after string
		want          compat.IncompatibilityRule
	}{
		{withAny + "message N {}", withAny, compat.RuleTypeRemoved},
		{withAny + "message N { int32 i = 1; }", withAny + "message N { string i = 1; }", compat.RuleFieldRetyped},
		{extended + extension + "extend a.M { optional int32 i = 100; }", extended, compat.RuleFieldRemoved},
		{extended + extension + "extend a.M { optional int32 i = 100; }", extended + extension + "extend a.M { optional string i = 100; }", compat.RuleFieldRetyped},
		{extended + extension + "extend a.M { optional int32 i = 100; }", extended + extension + "extend a.M { optional int32 j = 100; }", compat.RuleFieldJSONName},
	} {
		difference, err := compat.Compare(schematest.Candidate(t, "a.M", ingredientFiles(test.before)...), schematest.Candidate(t, "a.M", ingredientFiles(test.after)...))
		if err != nil || len(difference.Incompatibilities) != 1 || difference.Incompatibilities[0].Rule != test.want {
			t.Errorf("%s: %+v, %v", test.after, difference.Incompatibilities, err)
		}
	}
}

// TestExtensionInAnotherFileOfAPush publishes an extension that is declared only in a file that the type does not import.
func TestExtensionInAnotherFileOfAPush(t *testing.T) {
	t.Parallel()
	one := schematest.Candidate(t, "a.M", schematest.Sources(extended+extension+"extend a.M { optional int32 i = 100; }")...)
	if _, violations, err := one.FromJSON([]byte(`{"[x.i]": 3}`)); err != nil || len(violations) > 0 {
		t.Error(violations, err)
	}
	held := schematest.Candidate(t, "a.M", schematest.Sources("-- a.proto --\n"+withAny+"-- b.proto --\nsyntax = \"proto3\"; package b; message N { int32 i = 1; }")...)
	if _, violations, err := held.FromJSON([]byte(`{"any": {"@type": "x/b.N", "i": 3}}`)); err != nil || len(violations) > 0 {
		t.Error(violations, err)
	}
}
