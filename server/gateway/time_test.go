package gateway_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-01-02T03:04:05Z":                day,
		"2026-01-02t03:04:05z":                day,
		"2026-01-02T05:34:05+02:30":           day,
		"2026-01-02T03:04:05-00:00":           day,
		"2026-01-02T03:04:05.1Z":              day.Add(100 * time.Millisecond),
		"2026-01-02T03:04:05.000000007+00:00": day.Add(7),
		"0001-01-01T00:00:00Z":                {},
		"9999-12-31T23:59:59.999999999Z":      time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		if at, ok := gateway.ParseTime(text); !ok || !at.Equal(want) {
			t.Errorf("%q is read as %v, %v", text, at, ok)
		}
	}
	for _, text := range []string{
		"", "now", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-01-02T3:04:05Z", "2026-1-02T03:04:05Z",
		"2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.0000000001Z", "2026-01-02T03:04:05.0000000001+01:00",
		"2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+0100", "2026-01-02T24:00:00Z",
		"2026-02-29T03:04:05Z", "2026-13-02T03:04:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z",
		"0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-01-02T03:04:05Z\n",
	} {
		if at, ok := gateway.ParseTime(text); ok {
			t.Errorf("%q is read as %v", text, at)
		}
	}
}
