package gateway_test

import (
	"errors"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestAStartInTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	for ahead, ok := range map[time.Duration]bool{-time.Hour: true, 0: true, 10 * time.Second: true, time.Hour: false, 8760 * time.Hour: false} {
		text := time.Now().Add(ahead).UTC().Format(time.RFC3339Nano)
		start, err := gateway.ParseStart("subscription.start", text)
		if ok && (err != nil || start.Kind != gateway.StartTime) {
			t.Errorf("%v ahead: %v", ahead, err)
		}
		if !ok {
			wantField(t, err, "subscription.start")
		}
	}
}

func TestParseStart(t *testing.T) {
	t.Parallel()
	cursor := gateway.Cursor{Position: 17}
	at := time.Date(2024, 2, 29, 11, 30, 0, 0, time.UTC)
	for text, want := range map[string]gateway.Start{
		"": {}, "now": {}, "earliest": {Kind: gateway.StartEarliest},
		cursor.String():             {Kind: gateway.StartCursor, Cursor: cursor},
		"2024-02-29T12:30:00+01:00": {Kind: gateway.StartTime, Time: at},
	} {
		if got, err := gateway.ParseStart("start", text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	_, err := gateway.ParseStart("start", "2024-02-30T00:00:00Z")
	wantField(t, err, "start")
	// Most lack the zone, or everything but the day.
	_, err = gateway.ParseStart("start", "2024-02-29")
	if want := `start: must be "now", "earliest", a cursor or a time such as 2006-01-02T15:04:05Z`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var fault *gateway.Error
	if !errors.As(err, &fault) || len(fault.Fields) == 0 || fault.Fields[0].Field != field || fault.Code != gateway.CodeInvalid {
		t.Errorf("error %v, want one of %s", err, field)
	}
}
