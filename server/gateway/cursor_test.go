package gateway_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestCursorText(t *testing.T) {
	c := gateway.Cursor{Shard: 3, Incarnation: gateway.Incarnation{1, 2, 3, 4, 5, 6, 7, 255}, Position: 1 << 40}
	text := c.String()
	if len(text) != 31 {
		t.Errorf("%q has %d characters", text, len(text))
	}
	if back, err := gateway.ParseCursor(text); err != nil || back != c {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestCursorsSortAsText(t *testing.T) {
	var texts []string
	for _, p := range []gateway.Position{0, 1, 31, 32, 255, 256, 1 << 20, 1 << 62} {
		texts = append(texts, gateway.Cursor{Position: p}.String())
	}
	if !slices.IsSorted(texts) {
		t.Errorf("not sorted: %v", texts)
	}
}

func TestBadCursors(t *testing.T) {
	good := gateway.Cursor{Position: 5}.String()
	negative := gateway.Cursor{Position: -1}.String()
	for _, text := range []string{
		"", "x", good[1:], good + "0", strings.ToUpper(good[:30]) + "z", "9" + good[1:], good[:30] + "1", negative,
		strings.Repeat("é", 31), good[:15] + " " + good[16:],
	} {
		if c, err := gateway.ParseCursor(text); !errors.Is(err, gateway.ErrBadCursor) {
			t.Errorf("%q was read as %+v, %v", text, c, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(gateway.Cursor{Position: 5}.String())
	f.Add("0")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := gateway.ParseCursor(text); err == nil && c.String() != text {
			t.Errorf("%q is spelled %q", text, c.String())
		}
	})
}

func TestCheckCursor(t *testing.T) {
	first, second, third, foreign := gateway.Incarnation{1}, gateway.Incarnation{2}, gateway.Incarnation{3}, gateway.Incarnation{9}
	log := []gateway.IncarnationStart{{ID: first, First: 1}, {ID: second, First: 101}, {ID: third, First: 201}}
	for _, c := range []struct {
		name     string
		in       gateway.Incarnation
		position gateway.Position
		purgedTo gateway.Position
		after    gateway.Position
		gap      gateway.Gap
	}{
		{"in the newest", third, 250, 0, 250, gateway.GapNone},
		{"at the head", third, 300, 0, 300, gateway.GapNone},
		{"past the head", third, 301, 0, 300, gateway.GapLogReplaced},
		{"in an old one", first, 50, 0, 50, gateway.GapNone},
		{"at an old one's end", first, 100, 0, 100, gateway.GapNone},
		{"past an old one's end: restored from a backup", first, 101, 0, 100, gateway.GapLogReplaced},
		{"before any event", first, 0, 0, 0, gateway.GapNone},
		{"of another log", foreign, 50, 0, 0, gateway.GapLogReplaced},
		{"purged", first, 50, 80, 80, gateway.GapRetention},
		{"just at the purge", first, 80, 80, 80, gateway.GapNone},
		{"of another log, and purged", foreign, 50, 80, 80, gateway.GapLogReplaced},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, gap := gateway.CheckCursor(gateway.Cursor{Incarnation: c.in, Position: c.position}, log, 300, c.purgedTo)
			if after != c.after || gap != c.gap {
				t.Errorf("after %d, %v; want %d, %v", after, gap, c.after, c.gap)
			}
		})
	}
}

func TestGapNames(t *testing.T) {
	for gap, want := range map[gateway.Gap]string{
		gateway.GapNone: "none", gateway.GapLogReplaced: "log replaced", gateway.GapRetention: "removed by retention",
	} {
		if gap.String() != want {
			t.Errorf("%d: %q", gap, gap)
		}
	}
}
