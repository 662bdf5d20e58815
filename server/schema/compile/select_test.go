package compile_test

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// marked is a file with the option that marks event types, and with several wrong uses of it.
const marked = `-- a.proto --
syntax = "proto3";
package a.v1;
import "postrider/v1/option.proto";

// Made says that one was made.
message Made {
  option (postrider.v1.event) = {ordering_key: "maker.id", subject: "id"};
  string id = 1;
  Maker maker = 2;
  repeated Maker others = 3;
}
message Maker {
  int64 id = 1;
  message Hired {
    string name = 1;
  }
  message Gone {
    option (postrider.v1.event) = {type: "maker.gone", description: "The maker left."};
  }
}
`

func TestSelect(t *testing.T) {
	t.Parallel()
	set := schematest.Compile(t, schematest.Sources(marked)...)
	for name, test := range map[string]struct {
		selection compile.Selection
		want      string // "type=message" of each
	}{
		"marked": {compile.Selection{}, "a.v1.Made=a.v1.Made maker.gone=a.v1.Maker.Gone"},
		"all": {
			compile.Selection{All: true},
			"a.v1.Made=a.v1.Made a.v1.Maker=a.v1.Maker maker.gone=a.v1.Maker.Gone",
		},
		"named": {
			compile.Selection{Messages: []compile.Named{{Message: "a.v1.Maker.Hired", Type: "maker.hired"}, {Message: "a.v1.Maker"}}},
			"a.v1.Made=a.v1.Made a.v1.Maker=a.v1.Maker maker.hired=a.v1.Maker.Hired maker.gone=a.v1.Maker.Gone",
		},
		"under another name": {
			compile.Selection{Messages: []compile.Named{{Message: "a.v1.Maker.Gone", Type: "gone"}, {Message: "a.v1.Made"}}},
			"a.v1.Made=a.v1.Made gone=a.v1.Maker.Gone",
		},
		"under two names": {
			compile.Selection{Messages: []compile.Named{{Message: "a.v1.Made", Type: "one"}, {Message: "a.v1.Made", Type: "two"}}},
			"one=a.v1.Made two=a.v1.Made maker.gone=a.v1.Maker.Gone",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			types, err := compile.Select(set, test.selection)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, one := range types {
				got = append(got, one.Type+"="+one.Message)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

func TestSelectReadsTheOption(t *testing.T) {
	t.Parallel()
	types, err := compile.Select(schematest.Compile(t, schematest.Sources(marked)...), compile.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	made, gone := types[0], types[1]
	if made.Description != "Made says that one was made." || made.OrderingKey != "maker.id" || made.Subject != "id" {
		t.Errorf("%+v", made)
	}
	if gone.Description != "The maker left." || gone.OrderingKey != "" {
		t.Errorf("%+v", gone)
	}
}

func TestSelectTellsAllFaults(t *testing.T) {
	t.Parallel()
	with := func(old, replacement string) string {
		if !strings.Contains(marked, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.ReplaceAll(marked, old, replacement)
	}
	for name, test := range map[string]struct {
		files     string
		selection compile.Selection
		want      []string
	}{
		"no such field": {with(`"maker.id"`, `"maker.no"`), compile.Selection{}, []string{
			`a.proto:6:1: message a.v1.Made: option (postrider.v1.event).ordering_key: a.v1.Maker has no field "no"`,
		}},
		"both paths wrong": {with(`"maker.id", subject: "id"`, `"maker", subject: "others.id"`), compile.Selection{}, []string{
			`a.proto:6:1: message a.v1.Made: option (postrider.v1.event).ordering_key: "maker" is a message`,
			`a.proto:6:1: message a.v1.Made: option (postrider.v1.event).subject: others in "others.id" holds several values`,
		}},
		"below a scalar": {with(`"maker.id"`, `"id.x"`), compile.Selection{}, []string{
			`a.proto:6:1: message a.v1.Made: option (postrider.v1.event).ordering_key: id in "id.x" is no message`,
		}},
		"one name for two": {with(`"maker.gone"`, `"a.v1.Made"`), compile.Selection{}, []string{
			`a.proto:17:3: message a.v1.Maker.Gone: the event type a.v1.Made is already that of a.v1.Made`,
		}},
		"bad name": {with(`"maker.gone"`, `"maker gone"`), compile.Selection{}, []string{
			`a.proto:17:3: message a.v1.Maker.Gone: "maker gone" is not an event type`,
		}},
		"not there": {marked, compile.Selection{Messages: []compile.Named{
			{Message: "a.v1.No"}, {Message: "a.v1.Made.id"}, {Message: "postrider.v1.EventOption"},
		}}, []string{
			`messages[0].message: "a.v1.No" is not a message`, `messages[1].message: "a.v1.Made.id" is not a message`,
			`messages[2].message: postrider.v1.EventOption cannot be an event type`,
		}},
		"none": {"-- a.proto --\nsyntax = \"proto3\"; message A {}", compile.Selection{}, []string{
			"messages: no message is an event type",
		}},
		"rules that do not compile, in what the type holds": {
			"-- a.proto --\nsyntax = \"proto3\"; import \"buf/validate/validate.proto\";\nmessage A { B b = 1; C c = 2; }\n" +
				"message B { string x = 1 [(buf.validate.field).cel = {id: \"x\", expression: \"this +\"}]; }\n" +
				"message C { string y = 1 [(buf.validate.field).int32.gt = 1]; }\n",
			compile.Selection{Messages: []compile.Named{{Message: "A"}}},
			[]string{"a.proto:3:1: message B: ", "a.proto:4:1: message C: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile.Select(schematest.Compile(t, schematest.Sources(test.files)...), test.selection)
			expectFaults(t, err, test.want)
		})
	}
}

// In a file that does not import our option, another option may have the same number.
func TestSelectTakesOnlyItsOwnOption(t *testing.T) {
	t.Parallel()
	set := schematest.Compile(t, schematest.Sources(`-- a.proto --
syntax = "proto2";
import "google/protobuf/descriptor.proto";
message Other { optional string note = 1; }
extend google.protobuf.MessageOptions { optional Other other = 51204; }
message A { option (other) = {note: "x"}; }
`)...)
	if types, err := compile.Select(set, compile.Selection{}); err == nil {
		t.Error(types)
	}
}
