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

// A server with the default memory, which has connections for 3,072, said at each start that it lacked files for 20,000 streams.
func TestFilesAreCalledFewOnlyWhereMoreWouldHelp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		byFiles, byMemory, streams int
		few                        bool
	}{
		{12_000, 3072, 20_000, false},
		{12_000, 12_288, 20_000, true},
		{615, 3072, 20_000, true},
		{615, 3072, 10, false},
	} {
		if few := server.FewFiles(tt.byFiles, tt.byMemory, tt.streams); few != tt.few {
			t.Errorf("%+v: %v", tt, few)
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
