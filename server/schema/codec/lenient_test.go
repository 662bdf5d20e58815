package codec_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postrider-dev/postrider/server/meter/metertest"
)

// The path of each unknown field was written out, including the key of the map that contains it. A payload of a megabyte
// took minutes.
func TestUnknownFieldsUnderALongKeyAreLeftOutAtOnce(t *testing.T) {
	version := stored(t, "costly.Payload", `syntax = "proto3"; package costly;
message Payload { map<string, Inner> m = 1; repeated Inner l = 2; } message Inner { int32 n = 1; }`)
	key := strings.Repeat("k", 400_000)
	var members []string
	var fields []byte
	for i := range 40_000 {
		members = append(members, fmt.Sprintf(`"x%d":1`, i))
		fields = protowire.AppendVarint(protowire.AppendTag(fields, protowire.Number(2+i), protowire.VarintType), 1)
	}
	bytes := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	for name, read := range map[string]func() (paths []string, some bool){
		"JSON": func() ([]string, bool) {
			lenient := version.Lenient()
			if _, violations, err := lenient.FromJSON([]byte(`{"m":{"` + key + `":{` + strings.Join(members, ",") + `}}}`)); len(violations) > 0 || err != nil {
				t.Error(violations, err)
			}
			return lenient.Ignored()
		},
		"binary": func() ([]string, bool) {
			lenient := version.Lenient()
			encoded := bytes(1, append(bytes(1, []byte(key)), bytes(2, fields)...))
			if _, violations, err := lenient.FromBinary(encoded); len(violations) > 0 || err != nil {
				t.Error(violations, err)
			}
			return lenient.Ignored()
		},
		"a list": func() ([]string, bool) {
			lenient := version.Lenient()
			if _, violations, err := lenient.FromJSON([]byte(`{"l":[` + strings.Repeat(`{"x":1},`, 90_000) + `{"y":1}]}`)); len(violations) > 0 || err != nil {
				t.Error(violations, err)
			}
			return lenient.Ignored()
		},
	} {
		t.Run(name, func(t *testing.T) {
			metertest.Bounded(t, maxMemory, maxProcessor, func() {
				if paths, some := read(); !some || len(paths) > 2 {
					t.Errorf("left out %q, %t", paths, some)
				}
			})
		})
	}
}
