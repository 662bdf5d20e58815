package server_test

import (
	"syscall"
	"testing"

	"github.com/postrider-dev/postrider/server"
)

func TestSocketBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		streams          int
		files            uint64
		clients, targets int
	}{
		{20_000, 1 << 20, 41_000, 314_573},
		{20_000, 20_000, 12_000, 6000},
		{20_000, 1024, 615, 307},
		{10, 1024, 615, 307},
		{10, 128, 43, 21},
		{10, 1 << 62, 1020, 1<<31 - 1},
	} {
		clients, targets := server.SocketBounds(tt.streams, tt.files)
		if clients != tt.clients || targets != tt.targets {
			t.Errorf("%d streams, %d files: %d and %d, want %d and %d", tt.streams, tt.files, clients, targets, tt.clients, tt.targets)
		}
		if left := tt.files - uint64(clients) - uint64(targets); left < tt.files/10 {
			t.Errorf("%d files: %d are left for files", tt.files, left)
		}
	}
}

// The runtime raises the limit, so that nobody has to.
func TestAsManyFilesAsPossibleMayBeOpen(t *testing.T) {
	t.Parallel()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if server.OpenFiles() != uint64(limit.Max) {
		t.Errorf("%d files may be open, but the system would let %d be", server.OpenFiles(), limit.Max)
	}
}
