package main

import (
	"strings"
	"testing"
)

// An event that was accepted although it breaks its schema looked like any other.
func TestTailShowsWhatAnEventBreaks(t *testing.T) {
	t.Parallel()
	const cancelled = "shop.v1.OrderCancelled"
	i, other := newInstance(t), newInstance(t)
	i.must("", "types", "level", cancelled, "warn")
	other.must("", "types", "level", cancelled, "warn")
	i.must("", "publish", cancelled, `{"orderId":"", "nothing":1}`, "--source", "shop", "--time", "2026-01-02T03:04:05Z")
	line := i.must("", "tail", "--start", "earliest", "--count", "1")
	if want := "(breaks its schema: data.nothing: is not a field of shop.v1.OrderCancelled)\n"; !strings.HasSuffix(line, want) {
		t.Errorf("%q does not end with %q", line, want)
	}
	object := i.must("", "tail", "--start", "earliest", "--count", "1", "--json")
	if want := `"violations":[{"field":"data.nothing","message":"is not a field of shop.v1.OrderCancelled"}]`; !strings.Contains(object, want) {
		t.Errorf("%s lacks %s", object, want)
	}
	if got := other.must(object, "publish", "--ndjson", "-"); got != "1 published, 0 of them duplicates\n" {
		t.Errorf("to another server: %q", got)
	}
}
