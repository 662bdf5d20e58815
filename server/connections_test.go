package server_test

import (
	"syscall"
	"testing"

	"github.com/postrider-dev/postrider/server"
)

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		streams int
		files   uint64
		want    int
	}{
		{20_000, 1 << 20, 41_000},
		{20_000, 20_000, 15_000},
		{20_000, 1024, 768},
		{10, 1024, 768},
		{10, 1 << 62, 1020},
	} {
		if got := server.MaxConnections(tt.streams, tt.files); got != tt.want {
			t.Errorf("%d streams, %d files: %d, want %d", tt.streams, tt.files, got, tt.want)
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
