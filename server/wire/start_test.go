package wire_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/wire"
)

func TestAStartInTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	for ahead, ok := range map[time.Duration]bool{-time.Hour: true, 0: true, 10 * time.Second: true, time.Hour: false, 8760 * time.Hour: false} {
		text := time.Now().Add(ahead).UTC().Format(time.RFC3339Nano)
		start, err := wire.ParseStart("subscription.start", text)
		if ok && (err != nil || start.Kind != wire.StartTime) {
			t.Errorf("%v ahead: %v", ahead, err)
		}
		if !ok {
			wantField(t, err, "subscription.start")
		}
	}
}
