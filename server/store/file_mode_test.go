package store_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/postrider-dev/postrider/server/store"
)

// Neither the umask nor the modes of an earlier version decide who can read the events. The test is not parallel, because
// the umask belongs to the process.
func TestDatabaseFilesArePrivateWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0o000, 0o022, 0o777} {
		old := syscall.Umask(mask)
		cfg := freshSQLite(t)
		syscall.Umask(old)
		for _, when := range []string{"fresh", "of an earlier version"} {
			syscall.Umask(mask)
			opened, err := store.Open(context.Background(), cfg)
			syscall.Umask(old)
			if err != nil {
				t.Fatalf("umask %03o, %s: %v", mask, when, err)
			}
			expectAllPrivate(t, cfg.Data, "postrider.db", "postrider.db-wal", "postrider.db-shm", "lock")
			if err := opened.Close(); err != nil {
				t.Fatal(err)
			}
			openToAll(t, cfg.Data)
		}
	}
}

func expectAllPrivate(t *testing.T, folder string, names ...string) {
	t.Helper()
	for _, name := range names {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "postrider.db-backup")); err == nil {
		names = append(names, "postrider.db-backup")
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != len(names) {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
}

// openToAll gives the files, and a copy beside them, the modes that a version without this rule used.
func openToAll(t *testing.T, folder string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "postrider.db-backup"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.Chmod(filepath.Join(folder, entry.Name()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
