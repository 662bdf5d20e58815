package filter_test

import (
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/postrider-dev/postrider/server/filter"
)

// Each of hundreds of streams read a payload of a megabyte anew.
func TestALargeEventIsReadOnceWhileSomebodyLooksAtIt(t *testing.T) {
	t.Parallel()
	c := filter.NewCompiler(newRegistry(t).schemas)
	large := event(t, "large", nil, `{"s":"`+strings.Repeat("x", 100_000)+`"}`)
	large.Position = 7
	one, other := c.Subject(large), c.Subject(large)
	if one != other {
		t.Error("two who look at it at the same time have read it twice")
	}
	other = nil
	held := weak.Make(one)
	runtime.KeepAlive(one)
	one = nil
	for range 5 {
		runtime.GC()
	}
	if held.Value() != nil {
		t.Error("it is kept though nobody looks at it any more")
	}
	if again := c.Subject(large); again.Event() != large {
		t.Error("it is not found again")
	}
}
