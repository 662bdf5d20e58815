package client_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/client"
)

func TestReconnectWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		failures int
		random   float64
		want     time.Duration
	}{
		{1, 0, 0},
		{1, 0.5, 125 * time.Millisecond},
		{2, 0.5, 250 * time.Millisecond},
		{5, 0.5, 2 * time.Second},
		{8, 0.5, 15 * time.Second},
		{1 << 30, 0.5, 15 * time.Second},
	}
	for _, test := range tests {
		if got := client.ReconnectWait(test.failures, test.random); got != test.want {
			t.Errorf("after %d failures, random %v: %v, want %v", test.failures, test.random, got, test.want)
		}
	}
}
