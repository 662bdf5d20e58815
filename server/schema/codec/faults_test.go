package codec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/meter/metertest"
)

const checkedThings = `syntax = "proto3"; package costly; import "buf/validate/validate.proto";
message Payload { map<string, Thing> m = 1; repeated Thing l = 2; repeated string t = 3 [(buf.validate.field).repeated.items.string.min_len = 1]; }
message Thing { int32 n = 1 [(buf.validate.field).int32.gt = 0]; int32 o = 2 [(buf.validate.field).required = true]; }`

// Each element of a payload may break a rule, and each violation took a kilobyte. A hundred events of 150 kB took four
// gigabytes when they came together.
func TestManyViolationsOfOnePayloadTakeLittleMemory(t *testing.T) {
	version := stored(t, "costly.Payload", checkedThings)
	if _, _, err := version.FromJSON([]byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]string{
		"messages": `{"l":[` + strings.Repeat(`{},`, 50_000) + `{}]}`,
		"texts":    `{"t":[` + strings.Repeat(`"",`, 50_000) + `""]}`,
	} {
		metertest.Bounded(t, 24<<20, 2*time.Second, func() {
			_, violations, err := version.FromJSON([]byte(payload))
			if err != nil || len(violations) != 1 {
				t.Errorf("%s: %d violations, %v", name, len(violations), err)
			}
		})
	}
	few := `{"l":[` + strings.Repeat(`{},`, 200) + `{}]}`
	if _, violations, err := version.FromJSON([]byte(few)); err != nil || len(violations) != 20 {
		t.Errorf("of a payload that is not large: %d violations, %v", len(violations), err)
	}
}

// The key of a map is part of the path of every violation below it.
func TestThePathOfAViolationIsNotAsLongAsThePayload(t *testing.T) {
	t.Parallel()
	version := stored(t, "costly.Payload", checkedThings)
	key := strings.Repeat("ä", 100_000)
	for name, payload := range map[string]string{
		"a rule":           `{"m":{"` + key + `":{}}}`,
		"an unknown field": `{"m":{"` + key + `":{"x":1}}}`,
		"a wrong value":    `{"m":{"` + key + `":{"n":"x"}}}`,
	} {
		_, violations, err := version.FromJSON([]byte(payload))
		if err != nil || len(violations) == 0 {
			t.Errorf("%s: %v, %v", name, violations, err)
		}
		for _, one := range violations {
			if len(one.Field) > 1100 || !strings.HasPrefix(one.Field, "event.data.m[") || !strings.HasSuffix(strings.TrimRight(one.Field, "nox"), "].") {
				t.Errorf("%s: a path of %d bytes: %.40s", name, len(one.Field), one.Field)
			}
		}
	}
}
