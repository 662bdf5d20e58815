package codec_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// everyRule has rules for every kind of value.
const everyRule = `syntax = "proto3"; package test.ruled;
import "buf/validate/validate.proto"; import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Ruled {
  option (buf.validate.message).cel = {id: "same_child", message: "children differ",
    expression: "!has(this.child) || !has(this.other) || this.child == this.other"};
  option (buf.validate.message).cel = {id: "made_child", message: "child is not as made",
    expression: "!has(this.child) || this.child == test.ruled.Ruled{text: this.child.text}"};
  option (buf.validate.message).cel = {id: "absent", message: "reads what is not set",
    expression: "this.other.child.text != 'x' && this.other.by_name.size() < 1 && this.other.list.size() < 1"};
  option (buf.validate.message).cel = {id: "object", message: "object says no", expression: "!has(this.object) || this.object.go != 'no'"};
  option (buf.validate.message).cel = {id: "value", message: "value says no", expression: "!has(this.value) || this.value != 'no'"};
  option (buf.validate.message).cel = {id: "list", message: "list says no", expression: "!this.list.exists(one, one == 'no')"};
  option (buf.validate.message).cel = {id: "wrapped", message: "wrapped text says no", expression: "this.wrapped_text != 'no'"};
  option (buf.validate.message).cel = {id: "wrapped_ratio", message: "wrapped ratio is 2", expression: "this.wrapped_ratio != 2.0"};
  option (buf.validate.message).cel = {id: "at", message: "after the end", expression: "!has(this.at) || this.at < timestamp('2030-01-01T00:00:00Z')"};
  option (buf.validate.message).cel = {id: "for", message: "an hour or more", expression: "!has(this.for) || this.for < duration('1h')"};
  option (buf.validate.message).cel = {id: "names", message: "has a bad name", expression: "!('bad' in this.by_name)"};
  option (buf.validate.message).cel = {id: "numbers", message: "seven is no", expression: "!(7 in this.by_number) || this.by_number[7] != 'no'"};
  option (buf.validate.message).cel = {id: "choice", message: "choice and maybe", expression: "!(has(this.choice) && has(this.maybe))"};
  string text = 1 [(buf.validate.field).string.max_len = 5];
  Ruled child = 2;
  Ruled other = 3;
  repeated Ruled children = 4 [(buf.validate.field).repeated.max_items = 2];
  map<string, Ruled> by_name = 5 [(buf.validate.field).map = {max_pairs: 2, keys: {string: {max_len: 4}}}];
  map<int64, string> by_number = 6 [(buf.validate.field).map = {values: {string: {max_len: 4}}}];
  oneof kind { option (buf.validate.oneof).required = false; string choice = 7; int32 second = 8 [(buf.validate.field).int32.gt = 3]; }
  optional int32 maybe = 9 [(buf.validate.field).int32 = {gte: 0}];
  google.protobuf.Timestamp at = 10 [(buf.validate.field).timestamp.gt = {seconds: 86400}];
  google.protobuf.Duration for = 11 [(buf.validate.field).duration.gte = {seconds: 1}];
  google.protobuf.FieldMask mask = 12;
  google.protobuf.Struct object = 13;
  google.protobuf.Value value = 14;
  google.protobuf.ListValue list = 15;
  google.protobuf.Any any = 16 [(buf.validate.field).any.in = "type.googleapis.com/google.protobuf.Duration"];
  google.protobuf.StringValue wrapped_text = 17 [(buf.validate.field).string.min_len = 1];
  google.protobuf.FloatValue wrapped_ratio = 18 [(buf.validate.field).float.lt = 9];
  repeated double amounts = 19 [(buf.validate.field).repeated = {unique: true, items: {double: {finite: true}}}];
  repeated string words = 20 [(buf.validate.field).repeated.unique = true];
  bytes raw = 21 [(buf.validate.field).bytes.max_len = 2];
  Colour colour = 22 [(buf.validate.field).enum.defined_only = true];
  float ratio = 23 [(buf.validate.field).float.finite = true];
  uint64 count = 24 [(buf.validate.field).uint64.lte = 9];
  google.protobuf.BoolValue wrapped_yes = 25 [(buf.validate.field).bool.const = true];
}
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
`

// The rules see the same payload whether it came as JSON or as an encoded message.
func TestRulesOfBothForms(t *testing.T) {
	t.Parallel()
	types, err := compile.Select(schematest.Compile(t, compile.Source{Path: "ruled.proto", Content: everyRule}), compile.Selection{All: true})
	if err != nil {
		t.Fatal(err)
	}
	kind, err := new(schema.Candidates).Type(types[0])
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err := kind.Descriptor()
	if err != nil {
		t.Fatal(err)
	}
	files := &protoregistry.Files{}
	for _, one := range []protoreflect.FileDescriptor{descriptor.ParentFile(), durationpb.File_google_protobuf_duration_proto} {
		if err := files.RegisterFile(one); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string][]string{
		`{}`:                nil,
		`{"text":"123456"}`: {"event.data.text string.max_len"},
		`{"child":{"text":"a"},"other":{"text":"a"}}`:       nil,
		`{"child":{"text":"a"},"other":{"text":"b"}}`:       {"event.data same_child"},
		`{"child":{"text":"a","child":{"text":"b"}}}`:       {"event.data made_child"},
		`{"child":{"words":["a"]}}`:                         {"event.data made_child"},
		`{"other":{"child":{"text":"x"}}}`:                  {"event.data absent"},
		`{"object":{"go":"no"}}`:                            {"event.data object"},
		`{"object":{"go":["no"]},"mask":"text,child.text"}`: nil,
		`{"value":"no"}`:                                    {"event.data value"},
		`{"value":null}`:                                    nil,
		`{"list":[1,null,"no"]}`:                            {"event.data list"},
		`{"wrappedText":"no","wrappedRatio":2}`:             {"event.data wrapped", "event.data wrapped_ratio"},
		`{"wrappedText":"","wrappedRatio":9,"wrappedYes":false}`: {
			"event.data.wrappedRatio float.lt", "event.data.wrappedText string.min_len", "event.data.wrappedYes bool.const",
		},
		`{"at":"2031-01-01T00:00:00Z","for":"3600s"}`: {"event.data at", "event.data for"},
		`{"at":"1970-01-01T00:00:00Z","for":"0s"}`:    {"event.data.at timestamp.gt", "event.data.for duration.gte"},
		`{"byName":{"bad":{},"longer":{"text":"123456"},"c":{}}}`: {
			"event.data names", `event.data.byName map.max_pairs`, `event.data.byName["longer"] string.max_len`,
			`event.data.byName["longer"].text string.max_len`,
		},
		`{"byNumber":{"8":"12345","7":"no","-1":""}}`: {"event.data numbers", "event.data.byNumber[8] string.max_len"},
		`{"choice":"","maybe":0}`:                     {"event.data choice"},
		`{"second":0,"maybe":-1}`:                     {"event.data.maybe int32.gte", "event.data.second int32.gt"},
		`{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}`: nil,
		`{"any":{"@type":"type.googleapis.com/test.ruled.Ruled","text":"123456"}}`:      {"event.data.any any.in"},
		`{"amounts":[0,1,"NaN",1,"-0"],"ratio":"Infinity","words":["a","b","a"]}`: {
			"event.data.amounts repeated.unique", "event.data.amounts[2] double.finite", "event.data.ratio float.finite",
			"event.data.words repeated.unique",
		},
		`{"children":[{},{"text":"123456"},{"children":[{"raw":"AAAA"}]}]}`: {
			"event.data.children repeated.max_items", "event.data.children[1].text string.max_len",
			"event.data.children[2].children[0].raw bytes.max_len",
		},
		`{"colour":7,"count":"10"}`: {"event.data.colour enum.defined_only", "event.data.count uint64.lte"},
		`{"colour":"COLOUR_RED","count":9,"words":["b"],"amounts":[1],"raw":"AA==","text":"t","maybe":1,"second":4,
			"byNumber":{"1":"a"},"byName":{"k":{}},"children":[{}],"child":{},"ratio":-0.0,"wrappedText":"w","wrappedRatio":1,
			"wrappedYes":true,"at":"2029-01-01T00:00:00.5Z","for":"1.5s"}`: nil,
	} {
		message := dynamicpb.NewMessage(descriptor)
		if err := (protojson.UnmarshalOptions{Resolver: dynamicpb.NewTypes(files)}).Unmarshal([]byte(text), message); err != nil {
			t.Fatal(text, err)
		}
		encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		json, binary := brokenRules(t, kind.FromJSON, text), brokenRules(t, kind.FromBinary, string(encoded))
		if !slices.Equal(json, want) || !slices.Equal(binary, want) {
			t.Errorf("%s\nas JSON %q\nas binary %q\nwant %q", text, json, binary, want)
		}
		if canonical, _, err := kind.EncodeJSON([]byte(text)); err != nil || string(canonical) != string(encoded) {
			t.Errorf("%s\nencoded as %x, %v\nthe runtime says %x", text, canonical, err, encoded)
		}
	}
}

// brokenRules returns the paths and the rules of the violations, in order.
func brokenRules(t *testing.T, read readPayload, payload string) (found []string) {
	t.Helper()
	_, violations, err := read([]byte(payload))
	if err != nil {
		t.Fatalf("%q: %v", payload, err)
	}
	for _, one := range violations {
		found = append(found, one.Field+" "+one.Rule)
	}
	slices.Sort(found)
	return found
}
