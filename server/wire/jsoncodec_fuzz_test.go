package wire_test

import (
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/wire"
)

// FuzzPublishRequest holds the reader of publish requests against protojson, which must agree on every request whose
// payload it can hold: what one refuses the other refuses, and what both read is equal.
func FuzzPublishRequest(f *testing.F) {
	for _, seed := range []string{
		`{"event":{"type":"a.b","data":{"x":[1,"é",null]}}}`,
		`{"tenant":"t","event":{"id":"i","source":"/s","subject":"\u00e9","time":"2024-02-29T12:30:00.123456789+14:00"}}`,
		`{"event":{"acceptTime":null,"schemaVersion":1e2,"cursor":""}}`,
		`{"event":{"schema_version":"-7"}}`,
		`{"event":null}`, `{`, ``, `[]`, `{"event":{"time":"0000-01-01T00:00:00Z"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, want := &postriderv1.PublishRequest{}, &postriderv1.PublishRequest{}
		if err := codecOf(t, "json").Unmarshal(text, got); err != nil {
			t.Fatal(err)
		}
		fault, refused := wire.Refusal(got), protojson.Unmarshal(text, want)
		if data, ok := got.GetEvent().GetPayload().(*postriderv1.Event_JsonData); ok && !json.Valid([]byte(data.JsonData)) {
			t.Fatalf("took %q as a payload", data.JsonData)
		}
		if want.GetEvent().GetPayload() != nil || got.GetEvent().GetPayload() != nil || len(text) > maxRequest {
			return // Payloads are checked at publish; a Struct is not comparable.
		}
		if (fault == nil) != (refused == nil) {
			t.Fatalf("%q: this codec says %v, protojson %v", text, fault, refused)
		}
		if fault == nil && !proto.Equal(got, want) {
			t.Fatalf("%q: read %v, protojson %v", text, got, want)
		}
	})
}
