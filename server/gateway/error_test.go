package gateway_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestErrors(t *testing.T) {
	cause := errors.New("disk on fire")
	withCause := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonInternal, "try %s", "later")
	withCause.Cause = cause
	for _, c := range []struct {
		name string
		err  error
		code gateway.Code
		text string
	}{
		{"with a cause", withCause, gateway.CodeUnavailable, "try later: disk on fire"},
		{"wrapped", fmt.Errorf("publish: %w", gateway.NotFound("event", "x")), gateway.CodeNotFound, `publish: event "x" does not exist`},
		{"of a field", gateway.FieldError("event.type", "must be set"), gateway.CodeInvalid, "event.type: must be set"},
		{"foreign", cause, gateway.CodeInternal, "disk on fire"},
	} {
		if gateway.ErrorCode(c.err) != c.code || c.err.Error() != c.text {
			t.Errorf("%s: %v, %q", c.name, gateway.ErrorCode(c.err), c.err)
		}
	}
	if !errors.Is(withCause, cause) {
		t.Error("the cause is not found")
	}
}

func TestErrorAtIndex(t *testing.T) {
	one := gateway.FieldError("event.data.total", "must be positive")
	at := one.AtIndex(7)
	if at.Message != "events[7].data.total: must be positive" || at.Fields[0].Field != "events[7].data.total" {
		t.Errorf("one field: %q, %+v", at.Message, at.Fields)
	}
	if one.Fields[0].Field != "event.data.total" {
		t.Error("the original has changed")
	}
	none := gateway.Errorf(gateway.CodeAlreadyExists, gateway.ReasonEventIDConflict, "id taken").AtIndex(2)
	if none.Message != "events[2]: id taken" || none.Code != gateway.CodeAlreadyExists {
		t.Errorf("no field: %q", none.Message)
	}
	if other := gateway.FieldError("id", "bad").AtIndex(0); other.Fields[0].Field != "events[0].id" {
		t.Errorf("field without the prefix: %q", other.Fields[0].Field)
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	name, url := gateway.FieldError("name", "is taken"), gateway.FieldError("url", "is refused")
	url.Reason = gateway.ReasonTargetRefused
	broken := errors.New("the disk is gone")
	for _, c := range []struct {
		name   string
		checks []error
		want   string
	}{
		{"nothing", []error{nil, nil}, ""},
		{"one", []error{nil, url, nil}, "url: is refused"},
		{"two", []error{name, nil, url}, "name: is taken; url: is refused"},
		{"one that names no field", []error{name, broken, url}, "the disk is gone"},
	} {
		err := gateway.Together(c.checks...)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if len(name.Fields) != 1 {
		t.Errorf("an error that was joined has the fields %v", name.Fields)
	}
}
