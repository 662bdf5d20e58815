package gateway_test

import (
	"errors"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestEventJSON(t *testing.T) {
	calls := 0
	fault := errors.New("no such version")
	render := func(id gateway.SchemaID, data []byte) ([]byte, error) {
		if calls++; calls == 1 {
			return nil, fault
		}
		return []byte(`{"schema":true}`), nil
	}
	typed := &gateway.Event{Schema: 4, Data: []byte{8, 1}}
	if _, err := typed.JSON(render); !errors.Is(err, fault) {
		t.Errorf("first rendering: %v", err)
	}
	for range 3 {
		if text, err := typed.JSON(render); err != nil || string(text) != `{"schema":true}` {
			t.Errorf("%s, %v", text, err)
		}
	}
	if calls != 2 {
		t.Errorf("rendered %d times", calls)
	}
	untyped := &gateway.Event{Data: []byte(`{"n": 1.10}`)}
	if text, err := untyped.JSON(nil); err != nil || string(text) != `{"n": 1.10}` {
		t.Errorf("untyped: %s, %v", text, err)
	}
	marked := &gateway.Event{Data: typed.Data, OrderingKey: "k", Violations: []gateway.Violation{{Field: "event.data", Message: "m"}}}
	if marked.Size() != typed.Size()+len("k")+len("event.data")+len("m") {
		t.Errorf("size %d, without marks %d", marked.Size(), typed.Size())
	}
	if typed.Size() < len(typed.Data) {
		t.Errorf("size %d", typed.Size())
	}
}
