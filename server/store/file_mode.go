package store

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// privateMode is the mode of every database file: a user who can read one of them can read all events.
const privateMode fs.FileMode = 0o600

// makePrivate creates the database file if it does not exist, so that it has privateMode whatever the umask. SQLite gives
// its other files the mode of this one. The modes of files that an earlier version made, and of copies in the same folder,
// are corrected.
func makePrivate(folder string, logger *slog.Logger) error {
	database := filepath.Join(folder, sqliteFile)
	file, err := os.OpenFile(database, os.O_CREATE|os.O_RDWR, privateMode)
	if err != nil {
		return fmt.Errorf("open %s: %w", sqliteFile, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("open %s: %w", sqliteFile, err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("read data folder: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), sqliteFile) || entry.Name() == lockFile {
			mend(filepath.Join(folder, entry.Name()), logger)
		}
	}
	return nil
}

// mend removes all access except the owner's. On a file system without modes it only logs a warning.
func mend(name string, logger *slog.Logger) {
	info, err := os.Stat(name)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm() != privateMode {
		err = os.Chmod(name, privateMode)
	}
	if err != nil {
		logger.Warn("other users of this machine may be able to read a file of the database", "file", name, "error", err)
	}
}
