package describe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/describe"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const shopFile = "../../../gen/descriptors/shop.v1.binpb"

func document(tb testing.TB, one *schema.Type) describe.Documentation {
	tb.Helper()
	documented, err := one.Documentation()
	if err != nil {
		tb.Fatal(err)
	}
	return documented
}

// Every event of the shop has an example that passes its own rules, CEL rules included.
func TestExamplesOfTheShop(t *testing.T) {
	t.Parallel()
	for _, one := range schematest.EventTypes(t, shopFile) {
		found, err := new(schema.Candidates).Type(one)
		if err != nil {
			t.Fatal(err)
		}
		documented := document(t, found)
		if documented.Example == "" {
			t.Errorf("%s has no example", one.Type)
		}
		if _, violations, err := found.FromJSON([]byte(documented.Example)); err != nil || len(violations) > 0 {
			t.Errorf("%s: %v %v\n%s", one.Type, violations, err, documented.Example)
		}
		if !strings.Contains(documented.Source, "message "+strings.TrimPrefix(one.Message, "shop.v1.")+" {") {
			t.Errorf("the source of %s is %s", one.Type, documented.Source)
		}
	}
}

func TestDocumentation(t *testing.T) {
	t.Parallel()
	documented := document(t, schematest.Candidate(t, "a.M", schematest.Sources(`-- a.proto --
syntax = "proto3";
package a;
import "buf/validate/validate.proto";
// One M.
//   Indented.
message M {
  option deprecated = true;
  option (buf.validate.message).cel = {id: "x", message: "a before b", expression: "true"};
  option (buf.validate.message).oneof = {fields: ["d", "old"], required: true};
  // The a.
  N a = 1 [(buf.validate.field).required = true];
  repeated E b = 2; // What b is.
  map<string, N> c = 3;
  oneof pick {
    option (buf.validate.oneof).required = true;
    int32 d = 4 [json_name = "D"];
    bool old = 5 [deprecated = true];
  }
}
message N { M again = 1; }
// One E.
enum E {
  // Nothing.
  X = 0;
  Y = 1 [deprecated = true];
}
message Unused {}
`)...))
	if len(documented.Messages) != 2 || len(documented.Enums) != 1 {
		t.Fatalf("%+v", documented)
	}
	m := documented.Messages[0]
	if m.Name != "a.M" || m.Comment != "One M.\n  Indented." || !m.Deprecated || documented.Messages[1].Name != "a.N" {
		t.Errorf("%+v", m)
	}
	if want := []string{"a before b", "exactly one of d, old", "exactly one of d, old"}; !slices.Equal(m.Rules, want) {
		t.Errorf("rules %q", m.Rules)
	}
	for i, want := range []describe.FieldDocumentation{
		{Name: "a", JSONName: "a", Number: 1, Type: "a.N", Reference: "a.N", Comment: "The a.", Required: true},
		{Name: "b", JSONName: "b", Number: 2, Type: "repeated a.E", Reference: "a.E", Comment: "What b is."},
		{Name: "c", JSONName: "c", Number: 3, Type: "map<string, a.N>", Reference: "a.N"},
		{Name: "d", JSONName: "D", Number: 4, Type: "int32", Oneof: "pick"},
		{Name: "old", JSONName: "old", Number: 5, Type: "bool", Oneof: "pick", Deprecated: true},
	} {
		if got := m.Fields[i]; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%+v\nwant %+v", got, want)
		}
	}
	if got := fmt.Sprintf("%+v", documented.Enums[0]); got != "{Name:a.E Comment:One E. Values:[{Name:X Number:0 Comment:Nothing. Deprecated:false} {Name:Y Number:1 Comment: Deprecated:true}]}" {
		t.Error(got)
	}
}

// ruleCases are fields with rules, and the words that describe those rules.
var ruleCases = []struct {
	field string // "type options"
	want  string // joined by "; "
}{
	{"string|string.const = \"x\"", `always "x"`},
	{"string|string = {min_len: 2, max_len: 1000}", "at least 2 characters; at most 1000 characters"},
	{"string|string.len = 40", "exactly 40 characters"},
	{"string|string = {min_bytes: 1, max_bytes: 2}", "at least 1 byte; at most 2 bytes"},
	{"string|string.len_bytes = 5", "exactly 5 bytes"},
	{"string|string.pattern = \"^(foo|ba[rz])-\\\\d{3,}[^a-z]?\\\\.x+$\"", `matches "^(foo|ba[rz])-\\d{3,}[^a-z]?\\.x+$"`},
	{"string|string = {prefix: \"a\", suffix: \"z\", contains: \"m\", not_contains: \"q\"}", `begins with "a"; ends with "z"; contains "m"; does not contain "q"`},
	{"string|string = {in: [\"a\", \"b\"]}", `one of "a", "b"`},
	{"string|string = {not_in: [\"a\"]}", `none of "a"`},
	{"string|string = {email: true}", "an email address"},
	{"string|string = {hostname: true}", "a host name"},
	{"string|string = {ip: true}", "an IP address"},
	{"string|string = {ipv4: true}", "an IPv4 address"},
	{"string|string = {ipv6: true}", "an IPv6 address"},
	{"string|string = {uri: true}", "a URI"},
	{"string|string = {uri_ref: true}", "a URI, absolute or relative"},
	{"string|string = {address: true}", "a host name or an IP address"},
	{"string|string = {uuid: true}", "a UUID"},
	{"string|string = {tuuid: true}", "a UUID without dashes"},
	{"string|string = {ulid: true}", "a ULID"},
	{"string|string = {ip_with_prefixlen: true}", "an IP address with prefix length"},
	{"string|string = {ipv4_with_prefixlen: true}", "an IPv4 address with prefix length"},
	{"string|string = {ipv6_with_prefixlen: true}", "an IPv6 address with prefix length"},
	{"string|string = {ip_prefix: true}", "an IP network"},
	{"string|string = {ipv4_prefix: true}", "an IPv4 network"},
	{"string|string = {ipv6_prefix: true}", "an IPv6 network"},
	{"string|string = {host_and_port: true}", "a host and a port"},
	{"string|string = {well_known_regex: KNOWN_REGEX_HTTP_HEADER_NAME, strict: false}", "a valid name of an HTTP header"},
	{"string|string = {min_len: 3, example: \"a lot\"}", `at least 3 characters; for example "a lot"`},
	{"string|string = {min_len: 3}, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE", "at least 3 characters; or not set at all"},
	{"string|string = {min_len: 3}, (buf.validate.field).ignore = IGNORE_ALWAYS", ""},
	{"string|cel = {id: \"c\", message: \"no spaces\", expression: \"!this.contains('  ')\"}", "no spaces"},
	{"string|cel = {id: \"c\", expression: \"this != 'x' ? '' : 'bad'\"}", "this != 'x' ? '' : 'bad'"},
	{"bytes|bytes = {min_len: 1, max_len: 4}", "at least 1 byte; at most 4 bytes"},
	{"bytes|bytes = {prefix: \"a\", suffix: \"b\"}", `begins with "a"; ends with "b"`},
	{"bool|bool.const = true", "always true"},
	{"int32|int32 = {gte: 5, lt: 7}", "at least 5; less than 7"},
	{"int32|int32 = {gt: 10, lt: 3}", "less than 3 or more than 10"},
	{"sint64|sint64 = {lte: -5}", "at most -5"},
	{"uint32|uint32 = {gt: 4000000000}", "more than 4000000000"},
	{"fixed64|fixed64 = {in: [3, 4]}", "one of 3, 4"},
	{"int64|int64 = {not_in: [3, 4]}", "none of 3, 4"},
	{"double|double = {gt: 0, lt: 1, finite: true}", "more than 0; less than 1; neither infinite nor NaN"},
	{"float|float = {gte: 0.5}", "at least 0.5"},
	{"E|enum = {defined_only: true, not_in: [0, 1]}", "a value that the enum declares; none of E_X, E_Y"},
	{"E|enum.const = 2", "always E_Z"},
	{"repeated string|repeated = {min_items: 2, max_items: 3, unique: true, items: {string: {min_len: 1}}}", "at least 2 entries; at most 3 entries; no two alike; each: at least 1 character"},
	{"repeated int32|repeated = {min_items: 2, unique: true, items: {int32: {gt: 4}}}", "at least 2 entries; no two alike; each: more than 4"},
	{"map<string, int32>|map = {min_pairs: 2, max_pairs: 2, keys: {string: {pattern: \"^[a-z]{2}$\"}}, values: {int32: {gt: 0}}}", `at least 2 entries; at most 2 entries; each key: matches "^[a-z]{2}$"; each value: more than 0`},
	{"google.protobuf.Timestamp|timestamp = {lt_now: true}", "in the past"},
	{"google.protobuf.Timestamp|timestamp = {gt_now: true}", "in the future"},
	{"google.protobuf.Timestamp|timestamp = {within: {seconds: 3600}}", "within 3600s of now"},
	{"google.protobuf.Timestamp|timestamp = {gte: {seconds: 4000000000}}", "at least 2096-10-02T07:06:40Z"},
	{"google.protobuf.Duration|duration = {gt: {seconds: 5}, lte: {seconds: 10}}", "more than 5s; at most 10s"},
	{"google.protobuf.Duration|duration = {in: [{seconds: 5}]}", "one of 5s"},
	{"google.protobuf.StringValue|string.min_len = 2", "at least 2 characters"},
}

// TestRulesInWordsAndExamples tests one rule at a time: the words in the documentation, and that the example keeps the rule.
func TestRulesInWordsAndExamples(t *testing.T) {
	t.Parallel()
	for i, test := range ruleCases {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			kind, rule, _ := strings.Cut(test.field, "|")
			file := compile.Source{Path: fmt.Sprintf("m%d.proto", i), Content: `syntax = "proto3";
import "buf/validate/validate.proto"; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
enum E { E_X = 0; E_Y = 1; E_Z = 2; }
message M { ` + kind + ` value = 1 [(buf.validate.field).` + rule + `]; }`}
			one := schematest.Candidate(t, "M", file)
			documented := document(t, one)
			if got := strings.Join(documented.Messages[0].Fields[0].Rules, "; "); got != test.want {
				t.Errorf("in words %q, want %q", got, test.want)
			}
			if !strings.Contains(documented.Example, `"value"`) && !strings.Contains(test.want, "always") {
				t.Errorf("the example is %q", documented.Example)
			}
			if documented.Example != "" && !newJudge(t, one).accepts(documented.Example) {
				t.Errorf("the JSON Schema refuses the example %q", documented.Example)
			}
		})
	}
}

// The example of a message that contains itself is finite. An example that cannot be made is empty.
func TestExamplesThatAreHard(t *testing.T) {
	t.Parallel()
	const head = "syntax = \"proto3\"; import \"buf/validate/validate.proto\";\n"
	for body, possible := range map[string]bool{
		"message M { repeated M ms = 1; map<string, M> by = 2; M m = 3; oneof o { M n = 4; } }":                                                     true,
		"message M { M m = 1 [(buf.validate.field).required = true]; }":                                                                             false,
		"message M { option (buf.validate.message).cel = {id: \"no\", message: \"no\", expression: \"false\"}; }":                                   false,
		"message M { option (buf.validate.message).cel = {id: \"no\", message: \"no\", expression: \"this.a == ''\"}; string a = 1; int32 b = 2; }": true,
		"message M { string a = 1 [(buf.validate.field).string = {min_len: 100000}]; }":                                                             false,
	} {
		example := document(t, schematest.Candidate(t, "M", compile.Source{Path: "m.proto", Content: head + body})).Example
		if (example != "") != possible {
			t.Errorf("%s: %q", body, example)
		}
	}
}
