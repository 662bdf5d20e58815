package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readOrCreate returns the text of the file at path, without space around it. A file that does not exist is made, with
// mode 0600 and the text of create; then created is true.
func readOrCreate(path string, create func() string) (text string, created bool, err error) {
	text, err = readPrivate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	text = create()
	if err := writePrivate(path, text+"\n"); err != nil {
		return "", false, err
	}
	return text, true, nil
}

func readPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s is open to every user of this machine; chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return strings.TrimSpace(string(text)), nil
}

// writePrivate makes the file so that a power cut leaves all of it or nothing: what it protects would be lost with it.
func writePrivate(path, text string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := writeAndSync(file, text); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeAndSync(file *os.File, text string) error {
	_, err := file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDir makes the new name in it durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
