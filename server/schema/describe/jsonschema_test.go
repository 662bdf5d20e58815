package describe_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// judge checks values against a JSON Schema. It knows the keywords that the server writes, and fails on any other.
type judge struct {
	t    testing.TB
	root map[string]any
}

func newJudge(tb testing.TB, one *schema.Type) judge {
	tb.Helper()
	text, err := one.JSONSchema()
	if err != nil {
		tb.Fatal(err)
	}
	j := judge{t: tb}
	if err := json.Unmarshal(text, &j.root); err != nil {
		tb.Fatal(err)
	}
	if j.root["$schema"] != "https://json-schema.org/draft/2020-12/schema" || j.root["title"] != one.Name() {
		tb.Errorf("%s", text)
	}
	return j
}

func (j judge) accepts(text string) bool {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		j.t.Fatalf("%s: %v", text, err)
	}
	return j.holds(j.root, value)
}

func (j judge) holds(schema map[string]any, value any) bool {
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		if !j.keyword(schema, keyword, value) {
			return false
		}
	}
	return true
}

func (j judge) each(list any, value any) (held int) {
	for _, one := range list.([]any) {
		if j.holds(one.(map[string]any), value) {
			held++
		}
	}
	return held
}

func (j judge) keyword(schema map[string]any, keyword string, value any) bool {
	argument := schema[keyword]
	switch keyword {
	case "$schema", "$defs", "$comment", "title", "description", "deprecated", "format", "contentEncoding":
		return true
	case "$ref":
		return j.holds(j.root["$defs"].(map[string]any)[strings.TrimPrefix(argument.(string), "#/$defs/")].(map[string]any), value)
	case "anyOf":
		return j.each(argument, value) > 0
	case "oneOf":
		return j.each(argument, value) == 1
	case "allOf":
		return j.each(argument, value) == len(argument.([]any))
	case "not":
		return !j.holds(argument.(map[string]any), value)
	case "const":
		return reflect.DeepEqual(argument, value)
	case "enum":
		return slices.ContainsFunc(argument.([]any), func(one any) bool { return reflect.DeepEqual(one, value) })
	case "type":
		if one, single := argument.(string); single {
			return isOfType(one, value)
		}
		return slices.ContainsFunc(argument.([]any), func(one any) bool { return isOfType(one.(string), value) })
	}
	switch value := value.(type) {
	case string:
		return j.text(keyword, argument, value)
	case float64:
		return number(keyword, argument, value)
	case []any:
		return j.list(keyword, argument, value)
	case map[string]any:
		return j.object(schema, keyword, argument, value)
	}
	return true
}

func isOfType(name string, value any) bool {
	switch value := value.(type) {
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && value == math.Trunc(value)
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	default:
		return name == "null"
	}
}

func (j judge) text(keyword string, argument any, value string) bool {
	switch keyword {
	case "pattern":
		return regexp.MustCompile(argument.(string)).MatchString(value)
	case "minLength":
		return utf8.RuneCountInString(value) >= int(argument.(float64))
	case "maxLength":
		return utf8.RuneCountInString(value) <= int(argument.(float64))
	}
	return true
}

func number(keyword string, argument any, value float64) bool {
	switch keyword {
	case "minimum":
		return value >= argument.(float64)
	case "maximum":
		return value <= argument.(float64)
	case "exclusiveMinimum":
		return value > argument.(float64)
	case "exclusiveMaximum":
		return value < argument.(float64)
	}
	return true
}

func (j judge) list(keyword string, argument any, value []any) bool {
	switch keyword {
	case "items":
		return !slices.ContainsFunc(value, func(one any) bool { return !j.holds(argument.(map[string]any), one) })
	case "minItems":
		return len(value) >= int(argument.(float64))
	case "maxItems":
		return len(value) <= int(argument.(float64))
	case "uniqueItems":
		seen := map[string]bool{}
		for _, one := range value {
			seen[fmt.Sprint(one)] = true
		}
		return len(seen) == len(value)
	}
	return true
}

func (j judge) object(schema map[string]any, keyword string, argument any, value map[string]any) bool {
	switch keyword {
	case "required":
		return !slices.ContainsFunc(argument.([]any), func(one any) bool { _, there := value[one.(string)]; return !there })
	case "minProperties":
		return len(value) >= int(argument.(float64))
	case "maxProperties":
		return len(value) <= int(argument.(float64))
	case "propertyNames":
		for name := range value {
			if !j.holds(argument.(map[string]any), name) {
				return false
			}
		}
		return true
	case "properties", "additionalProperties":
		return j.properties(schema, keyword, value)
	}
	return true
}

func (j judge) properties(schema map[string]any, keyword string, value map[string]any) bool {
	known, _ := schema["properties"].(map[string]any)
	for name, one := range value {
		expected, there := known[name]
		if there != (keyword == "properties") {
			continue
		}
		if !there {
			expected = schema["additionalProperties"]
		}
		if inner, ok := expected.(map[string]any); !ok || !j.holds(inner, one) {
			return false
		}
	}
	return true
}

// The schema accepts the examples of every event of the shop.
func TestJSONSchemasOfTheShop(t *testing.T) {
	t.Parallel()
	for _, one := range schematest.EventTypes(t, shopFile) {
		found, err := new(schema.Candidates).Type(one)
		if err != nil {
			t.Fatal(err)
		}
		if example := document(t, found).Example; !newJudge(t, found).accepts(example) {
			text, _ := found.JSONSchema()
			t.Errorf("%s refuses %s\n%s", one.Type, example, text)
		}
	}
}

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field, accepted, refused string // of a field "v"; a list of JSON values, separated by spaces
	}{
		{"int32 v = 1;", `0 -1 2147483647`, `2147483648 "1" 1.5`},
		{"uint32 v = 1;", `0 4294967295`, `-1 4294967296`},
		{"int64 v = 1;", `"9007199254740993" 5 "-5"`, `"x" 1.5 true`},
		{"fixed64 v = 1;", `"18446744073709551615" 5`, `"-1" -1`},
		{"double v = 1;", `1.5 "NaN" "-Infinity"`, `"x" true`},
		{"float v = 1 [(buf.validate.field).float = {gt: 0, finite: true}];", `1.5`, `0 "NaN"`},
		{"bool v = 1;", `true`, `"true" 1`},
		{"bytes v = 1 [(buf.validate.field).bytes = {min_len: 2, max_len: 3}];", `"YWI=" "YWJj"`, `"YQ" "YWJjZA=="`},
		{"E v = 1;", `"E_X" "E_Y" 7`, `"E_Q" 1.5`},
		{"E v = 1 [(buf.validate.field).enum = {defined_only: true, not_in: [0]}];", `"E_Y"`, `"E_X" 7`},
		{"repeated int32 v = 1 [(buf.validate.field).repeated = {min_items: 1, max_items: 2, unique: true}];", `[1] [1,2]`, `[] [1,1] [1,2,3] ["x"] 1`},
		{"map<int32, N> v = 1;", `{} {"1":{"n":{}}}`, `{"x":{}} {"1":5} []`},
		{"map<bool, string> v = 1;", `{"true":"x"}`, `{"yes":"x"}`},
		{"N v = 1;", `{} {"n":{"n":{}}}`, `{"x":1} []`},
		{"google.protobuf.Timestamp v = 1;", `"2026-01-01T00:00:00Z"`, `5 {}`},
		{"google.protobuf.Duration v = 1;", `"1.5s" "-3s"`, `"1m" 5`},
		{"google.protobuf.Int64Value v = 1;", `"5" 5`, `{} true`},
		{"google.protobuf.Value v = 1;", `5 "x" {} [] null`, ``},
		{"google.protobuf.Struct v = 1;", `{"x":1}`, `5`},
		{"google.protobuf.ListValue v = 1;", `[1]`, `{}`},
		{"google.protobuf.NullValue v = 1;", `null`, `5`},
		{"google.protobuf.Any v = 1;", `{"@type":"x"}`, `{} 5`},
		{"google.protobuf.FieldMask v = 1;", `"a,b"`, `5`},
		{"google.protobuf.Empty v = 1;", `{}`, `{"a":1}`},
		{"string v = 1 [(buf.validate.field).string.min_len = 2, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];", `"" "ab"`, `"a"`},
		{"int64 v = 1 [(buf.validate.field).int64 = {in: [3, 4]}];", `3 "4"`, `5 "5"`},
		{"int32 v = 1 [(buf.validate.field).int32 = {gt: 10, lt: 3}];", `2 11`, `3 10`},
		{"int32 v = 1 [(buf.validate.field).int32 = {not_in: [3]}];", `2`, `3`},
		{"string v = 1 [(buf.validate.field).string = {prefix: \"a.\", not_contains: \"x\"}];", `"a.b"`, `"ab" "a.x"`},
	} {
		j := newJudge(t, schematest.Candidate(t, "M", compile.Source{Path: "m.proto", Content: jsonSchemaFile(test.field)}))
		for value := range strings.FieldsSeq(test.accepted) {
			if !j.accepts(`{"v":` + value + `}`) {
				t.Errorf("%s refuses %s", test.field, value)
			}
		}
		for value := range strings.FieldsSeq(test.refused) {
			if j.accepts(`{"v":` + value + `}`) {
				t.Errorf("%s accepts %s", test.field, value)
			}
		}
	}
}

func jsonSchemaFile(fields string) string {
	text := "syntax = \"proto3\"; import \"buf/validate/validate.proto\";"
	for _, name := range []string{"timestamp", "duration", "wrappers", "struct", "any", "field_mask", "empty"} {
		text += fmt.Sprintf(" import \"google/protobuf/%s.proto\";", name)
	}
	return text + "\nenum E { E_X = 0; E_Y = 1; }\nmessage N { N n = 1; }\nmessage M { " + fields + " }"
}

func TestJSONSchemaOfWholeMessages(t *testing.T) {
	t.Parallel()
	j := newJudge(t, schematest.Candidate(t, "M", compile.Source{Path: "m.proto", Content: jsonSchemaFile(`
		string needed_name = 1 [(buf.validate.field).string.min_len = 1];
		N needed = 2 [(buf.validate.field).required = true];
		oneof a { int32 b = 3; int32 c = 4; }
		oneof d { option (buf.validate.oneof).required = true; int32 e = 5; int32 f = 6; }`)}))
	for text, want := range map[string]bool{
		`{"neededName":"x","needed":{},"e":1}`:             true,
		`{"neededName":"x","needed":{},"e":1,"b":1}`:       true,
		`{"neededName":"x","needed":{},"e":1,"b":1,"c":1}`: false,
		`{"neededName":"x","needed":{},"e":1,"f":1}`:       false,
		`{"neededName":"x","needed":{}}`:                   false,
		`{"needed":{},"e":1}`:                              false,
		`{"neededName":"x","e":1}`:                         false,
		`{"neededName":"x","needed":{},"e":1,"other":1}`:   false,
	} {
		if j.accepts(text) != want {
			t.Errorf("%s: want %t", text, want)
		}
	}
}
