package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

// What an expression rejects moves the place all the same, from memory and from the log.
func TestAnExpressionSelects(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"from memory": tail.DefaultBytes, "from the log": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tailBytes)
				w.publish("a", 300)
				w.publish("b", 1)
				last := w.publish("a", 300)
				r := w.subscribeTo(stream.Start{Earliest: true}, gateway.Filter{Expression: `event.type == "b" || event.id == "a-302-299"`})
				for _, want := range []gateway.Position{301, 601} {
					if got := r.event(t).Position; got != want {
						t.Errorf("got %d, want %d", got, want)
					}
				}
				none := w.subscribeTo(stream.Start{Earliest: true}, gateway.Filter{Expression: `event.data.nothing == 1`})
				none.next(t)
				if beat := none.next(t); beat.Kind != stream.KindHeartbeat || beat.Cursor.Position != last {
					t.Errorf("got %+v, want a heartbeat at %d", beat, last)
				}
				for _, one := range []*reader{r, none} {
					one.cancel(context.Canceled)
					<-one.ended
				}
			})
		})
	}
}

func TestAnExpressionThatDoesNotCompileIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tail.DefaultBytes)
	err := <-w.subscribeTo(stream.Start{}, gateway.Filter{Expression: `event.typ == "a"`}).ended
	var fault *gateway.Error
	if !errors.As(err, &fault) || fault.Reason != gateway.ReasonInvalidFilter ||
		fmt.Sprint(fault.Fields) != "[{expression  1:7: undefined field 'typ'; did you mean type?}]" {
		t.Errorf("got %v", err)
	}
}
