package codec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// stored returns a type as it is loaded from the store, where its rules are not checked again.
func stored(t *testing.T, message, source string) *schema.Type {
	t.Helper()
	set := schematest.Compile(t, compile.Source{Path: "stored.proto", Content: source})
	registry := schema.NewRegistry()
	registry.Load([]schema.Stored{{ID: 1, Type: message, Message: message, Version: 1, Files: set, Latest: true}}, 1)
	return registry.Snapshot().Version(1)
}

// The limits for reading a payload of 600 kB and checking a rule on it, far above what it takes.
const (
	maxMemory    = 128 << 20
	maxProcessor = 4 * time.Second
)

// encoded checks a payload against a type and expects it to stay within the limits.
func encoded(t *testing.T, version *schema.Type, payload []byte) (violations []gateway.Violation) {
	t.Helper()
	if _, _, err := version.FromJSON([]byte(`{}`)); err != nil { // compiles the rules, which happens with the first payload
		t.Fatal(err)
	}
	metertest.Bounded(t, maxMemory, maxProcessor, func() {
		var err error
		if _, violations, err = version.FromJSON(payload); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%.300v", violations)
	return violations
}

// No rule takes more than the budget of an event, whatever the rule and the event. The violation names the rule.
func TestCostlyRulesAreBounded(t *testing.T) {
	payload := metertest.Payload()
	for _, row := range metertest.Expressions() {
		if row.Rule == "" {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			violations := encoded(t, stored(t, "costly.Payload", metertest.Schema+
				fmt.Sprintf(`option (buf.validate.message).cel = {id: "costly", message: "false", expression: %q}; }`, row.Rule)), payload)
			for _, one := range violations {
				if one.Rule != "costly" || one.Field != codec.DataField {
					t.Errorf("got %+v", one)
				}
			}
		})
	}
}

// A rule can belong to a message, a field, elements, keys or values, or be predefined. The budget is always that of the
// event.
func TestCostlyRulesAreBoundedWhereverTheyStand(t *testing.T) {
	const head = `syntax = "proto2"; package costly; import "buf/validate/validate.proto";
extend buf.validate.StringRules { optional bool grows = 50001 [(buf.validate.predefined).cel = {
  id: "costly", expression: "this.replace('', this) != ''"}]; }
message Payload { optional string t = 1%s; repeated int64 n = 2%s; repeated string l = 3%s; map<string, string> m = 4%s; }`
	const grows = `{id: "costly", expression: "this.replace('', this) != ''"}`
	payload := metertest.Payload()
	text := payload[:slices.Index(payload, ',')]
	for name, tt := range map[string]struct {
		at      [4]string
		payload string
		field   string
	}{
		"a field":            {[4]string{` [(buf.validate.field).cel = ` + grows + `]`}, string(text) + `}`, "event.data.t"},
		"a predefined rule":  {[4]string{` [(buf.validate.field).string.(costly.grows) = true]`}, string(text) + `}`, ""},
		"elements together":  {[4]string{2: ` [(buf.validate.field).repeated.items.cel = {id: "costly", expression: "this.split('').map(x, x + 'a').join() != ''"}]`}, "", "event.data.l"},
		"numbers together":   {[4]string{1: ` [(buf.validate.field).repeated.items.cel = {id: "costly", expression: "[1,2,3,4,5,6,7,8].all(x, x + this >= 0)"}]`}, "", "event.data.n"},
		"keys together":      {[4]string{3: ` [(buf.validate.field).map.keys.cel = {id: "costly", expression: "this.split('').map(x, x + 'a').join() != ''"}]`}, "", "event.data.m"},
		"an expression only": {[4]string{` [(buf.validate.field).cel_expression = "this.replace('', this) != ''"]`}, string(text) + `}`, "event.data.t"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := []byte(tt.payload)
			if tt.payload == "" {
				many := strings.Repeat(`"a word of some letters",`, 20_000) + `"a"`
				var entries strings.Builder
				for i := range 20_000 {
					fmt.Fprintf(&entries, `"a key of some letters %d":"",`, i)
				}
				sent = []byte(`{"n":[` + strings.Repeat("1,", 60_000) + `1],"l":[` + many + `],"m":{` + entries.String() + `"a":""}}`)
			}
			violations := encoded(t, stored(t, "costly.Payload", fmt.Sprintf(head, tt.at[0], tt.at[1], tt.at[2], tt.at[3])), sent)
			if len(violations) != 1 || !strings.Contains(violations[0].Message, "takes too long") ||
				!strings.Contains(violations[0].Rule, "costly") && !strings.Contains(violations[0].Rule, "replace") ||
				tt.field != "" && violations[0].Field != tt.field {
				t.Errorf("got %+v", violations)
			}
		})
	}
}

// A rule finds its budget by the value of `now`. A loop may use that name for its elements.
func TestARuleWhoseLoopsHideItsBudgetIsBounded(t *testing.T) {
	const few = "[1, 2, 3, 4, 5, 6, 7, 8, 9].all"
	const loop = few + "(now, " + few + "(a, " + few + "(b, " + few + "(c, " + few + "(d, " + few + "(e, " + few + "(f, true)))))))"
	violations := encoded(t, stored(t, "costly.Payload", metertest.Schema+
		fmt.Sprintf(`option (buf.validate.message).cel = {id: "costly", message: "false", expression: %q}; }`, loop)), metertest.Payload())
	if len(violations) != 1 || !strings.Contains(violations[0].Message, "takes too long") {
		t.Errorf("got %+v", violations)
	}
}

// The program of a pattern may have thousands of steps, and each may be executed for each byte of a text.
func TestALargePatternOnALongTextIsRefused(t *testing.T) {
	const source = `syntax = "proto3"; package costly; import "buf/validate/validate.proto";
message Payload { optional string t = 1 [(buf.validate.field).string.pattern = "^(a|a?){900}c"]; Payload inner = 2;
  repeated string l = 3 [(buf.validate.field).repeated.items.string.pattern = "^[a-z]{1,30}$"]; }`
	version := stored(t, "costly.Payload", source)
	long := strings.Repeat("a", 900_000)
	for _, payload := range []string{`{"t":"` + long + `"}`, `{"inner":{"inner":{"t":"` + long + `"}}}`} {
		violations := encoded(t, version, []byte(payload))
		if len(violations) != 1 || violations[0].Rule != "pattern" || !strings.Contains(violations[0].Message, "too long for the pattern") {
			t.Errorf("got %+v", violations)
		}
	}
	many := `{"l":[` + strings.Repeat(`"abcdefgh",`, 60_000) + `"x"]}`
	if violations := encoded(t, version, []byte(many)); len(violations) > 0 {
		t.Errorf("many short texts: %+v", violations)
	}
}

// A rule that fails while it is evaluated is a violation of the payload, not a fault of the server.
func TestARuleThatFailsIsAViolation(t *testing.T) {
	t.Parallel()
	version := stored(t, "costly.Payload", `syntax = "proto3"; package costly; import "buf/validate/validate.proto";
message Payload { repeated Line lines = 1; }
message Line { int64 n = 1 [(buf.validate.field).cel = {id: "inverse", expression: "10 / this > 1"}]; string t = 2; }`)
	_, violations, err := version.FromJSON([]byte(`{"lines":[{"n":1},{"t":"x","n":"5"},{"n":11}]}`))
	if err != nil || len(violations) != 1 || violations[0].Rule != "inverse" {
		t.Errorf("got %+v, %v", violations, err)
	}
	version = stored(t, "costly.Payload", `syntax = "proto3"; package costly; import "buf/validate/validate.proto";
message Payload { repeated Line lines = 1; }
message Line { optional int64 n = 1 [(buf.validate.field).cel = {id: "inverse", expression: "10 / this > 1"}]; }`)
	_, violations, err = version.FromJSON([]byte(`{"lines":[{"n":0}]}`))
	want := gateway.Violation{Field: "event.data.lines.n", Rule: "inverse", Message: "the rule fails on this event: division by zero"}
	if err != nil || len(violations) != 1 || violations[0] != want {
		t.Errorf("got %+v, %v, want %+v", violations, err, want)
	}
}
