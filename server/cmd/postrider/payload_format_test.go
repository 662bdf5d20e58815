package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestDefaultsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "types", "push", mail(t, "repeated string labels = 3; int64 grams = 4;"))
	i.must("", "publish", "mail.v1.ParcelSent", `{"parcelId":"1"}`)
	for want, args := range map[string][]string{
		`"data":{"parcelId":"1"},`:                         nil,
		`"data":{"parcelId":"1","labels":[],"grams":"0"},`: {"--defaults"},
	} {
		out := i.must("", append([]string{"tail", "--json", "--count", "1", "--start", "earliest"}, args...)...)
		if !strings.Contains(out, want) {
			t.Errorf("tail %v: %s", args, out)
		}
	}
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	const format = `"payloadFormat":"PAYLOAD_FORMAT_JSON`
	if out := i.must("", "subscriptions", "create", "billing", "--url", hook.URL, "--defaults", "--json"); !strings.Contains(out, format+`_DEFAULTS"`) {
		t.Errorf("created: %s", out)
	}
	if out := i.must("", "subscriptions", "update", "billing", "--description", "x", "--json"); !strings.Contains(out, format+`_DEFAULTS"`) {
		t.Errorf("after another change: %s", out)
	}
	if out := i.must("", "subscriptions", "update", "billing", "--defaults=false", "--json"); !strings.Contains(out, format+`"`) {
		t.Errorf("without defaults again: %s", out)
	}
}

func TestUnknownFieldsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	const more = `{"parcelId":"1","stamps":[1]}`
	folder := mail(t, "")
	i.must("", "types", "push", folder, "--unknown-fields", "ignore")
	i.must("", "publish", "mail.v1.ParcelSent", more)
	shown := i.must("", "types", "show", "mail.v1.ParcelSent")
	if !strings.Contains(shown, "unknown fields are ignored") || !strings.Contains(shown, "left out of 1 events: event.data.stamps") {
		t.Errorf("show: %s", shown)
	}
	if out := i.must("", "types", "unknown-fields", "mail.v1.ParcelSent", "refuse"); out != "unknown fields of mail.v1.ParcelSent: refuse\n" {
		t.Errorf("refuse: %s", out)
	}
	if got := i.run("", "publish", "mail.v1.ParcelSent", more); got.code != exitRefused || !strings.Contains(got.stderr, "event.data.stamps") {
		t.Errorf("refused: exit %d, %s", got.code, got.stderr)
	}
	i.must("", "types", "unknown-fields", "mail.v1.ParcelSent", "ignore")
	i.must("", "publish", "mail.v1.ParcelSent", more)
	for _, args := range [][]string{
		{"types", "unknown-fields", "mail.v1.ParcelSent", "drop"}, {"types", "unknown-fields", "mail.v1.ParcelSent"},
	} {
		if got := i.run("", args...); got.code != exitUsage {
			t.Errorf("%v: exit %d, %s", args, got.code, got.stderr)
		}
	}
	if got := i.run("", "types", "push", folder, "--unknown-fields", "drop"); got.code == exitOK || !strings.Contains(got.stderr, "--unknown-fields") {
		t.Errorf("push: exit %d, %s", got.code, got.stderr)
	}
}
