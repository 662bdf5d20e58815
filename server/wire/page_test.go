package wire_test

import (
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

func TestPageTokens(t *testing.T) {
	t.Parallel()
	place := wire.Place{Position: 1 << 40, Subscription: 3, Run: 1, ID: -5, Name: "é"}
	asked := &postriderv1.ListEventsRequest{Types: []string{"a"}, Subject: "s", PageSize: 10}
	token := wire.NextPageToken(asked, "acme", place)

	next := &postriderv1.ListEventsRequest{Types: []string{"a"}, Subject: "s", PageSize: 20, PageToken: token, Tenant: "acme"}
	got, ok, err := wire.PagePlace(next, "acme")
	if err != nil || !ok || got != place {
		t.Errorf("%+v, %t, %v", got, ok, err)
	}
	if _, ok, err := wire.PagePlace(asked, "acme"); ok || err != nil {
		t.Errorf("first page: %t, %v", ok, err)
	}
}

func TestForeignPageTokens(t *testing.T) {
	t.Parallel()
	asked := &postriderv1.ListEventsRequest{Types: []string{"a"}}
	token := wire.NextPageToken(asked, "acme", wire.Place{Position: 1})
	for name, request := range map[string]*postriderv1.ListEventsRequest{
		"not base64":   {Types: []string{"a"}, PageToken: "%%%"},
		"too short":    {Types: []string{"a"}, PageToken: "AQ"},
		"cut off":      {Types: []string{"a"}, PageToken: token[:14]},
		"other filter": {Types: []string{"b"}, PageToken: token},
	} {
		_, _, err := wire.PagePlace(request, "acme")
		wantField(t, err, "page_token")
		if fault, ok := err.(*gateway.Error); !ok || fault.Reason != gateway.ReasonInvalidPageToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := wire.PagePlace(&postriderv1.ListEventsRequest{Types: []string{"a"}, PageToken: token}, "other tenant")
	wantField(t, err, "page_token")
	_, _, err = wire.PagePlace(&postriderv1.ListSubscriptionsRequest{PageToken: token}, "acme")
	wantField(t, err, "page_token")
}

// A page token that somebody made up had the list end as an internal error on PostgreSQL, which takes no such text.
func TestPageTokensHoldTextsThatADatabaseTakes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\x00", "a\x00b", "\xff", "a\xed\xa0\x80"} {
		request := &postriderv1.ListTenantsRequest{}
		request.PageToken = wire.NextPageToken(request, "", wire.Place{Name: name})
		_, _, err := wire.PagePlace(request, "")
		wantField(t, err, "page_token")
	}
}

func TestPageSize(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int32]int{0: 50, 1: 1, 1000: 1000, 5000: 1000} {
		if got := wire.PageSize(&postriderv1.ListTenantsRequest{PageSize: asked}); got != want {
			t.Errorf("%d: %d, want %d", asked, got, want)
		}
	}
}
