package gateway_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestPlace(t *testing.T) {
	own := gateway.Position(5)
	for _, c := range []struct {
		name   string
		cursor *gateway.Position
		start  gateway.Position
		mark   gateway.Position
		want   gateway.Position
	}{
		{"its own cursor, behind the mark", &own, 2, 100, 5},
		{"shares the mark", nil, 2, 100, 100},
		{"begins above the mark", nil, 120, 100, 120},
	} {
		s := gateway.Subscription{Cursor: c.cursor, Start: gateway.Cursor{Position: c.start}}
		if got := s.Place(c.mark); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
