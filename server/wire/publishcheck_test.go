package wire_test

import (
	"strings"
	"testing"

	"buf.build/go/protovalidate"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// FuzzPublishRules holds the short cut for plain publish requests against the rules of the contract.
func FuzzPublishRules(f *testing.F) {
	for _, seed := range [][]string{
		{"", "a.b", "", ""},
		{"evt_1:x-", "shop.v1.OrderCreated", "/shop/eu", "42"},
		{"", "a..b", "", ""},
		{"", ".a", "", ""},
		{"", "a.", "//host", "\u00e9"},
		{"", "", "a:b", ""},
		{strings.Repeat("i", 65), strings.Repeat("t", 256), "%zz", ""},
		{strings.Repeat("i", 64), strings.Repeat("t", 255), strings.Repeat("s", 512), strings.Repeat("x", 513)},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	requests, err := wire.NewRequests()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, kind, source, subject string) {
		request := &postriderv1.PublishRequest{Event: &postriderv1.Event{Id: id, Type: kind, Source: source, Subject: subject}}
		got, want := requests.Check(request), protovalidate.Validate(request)
		if (got == nil) != (want == nil) {
			t.Fatalf("%v: the interceptor says %v, the rules %v", request, got, want)
		}
		if want == nil && (!gateway.ValidType(kind) || id != "" && !gateway.ValidEventID(id)) {
			t.Fatalf("%v: the domain refuses what the contract takes", request)
		}
	})
}
