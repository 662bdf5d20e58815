package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	contextsFile = "contexts.json"
	// maxContextsBytes bounds the file that is read.
	maxContextsBytes = 1 << 20
)

// savedContext is a server and its key, which "postrider login" has stored under a name.
type savedContext struct {
	Server string `json:"server"`
	Key    string `json:"key"`
	Tenant string `json:"tenant,omitempty"`
}

// savedContexts is what the file of contexts holds.
type savedContexts struct {
	Current  string                  `json:"current,omitempty"`
	Contexts map[string]savedContext `json:"contexts"`
}

// names returns the names in order.
func (s savedContexts) names() []string { return slices.Sorted(maps.Keys(s.Contexts)) }

// unknown is the error of a name that no context has.
func (s savedContexts) unknown(name string) error {
	if near := gateway.Nearest(name, s.names()); near != "" {
		return fmt.Errorf("there is no context %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("there is no context %q; \"postrider contexts list\" shows them", name)
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func checkContextName(name string) error {
	if !contextName.MatchString(name) {
		return fmt.Errorf("%q is not a name for a context: want up to 63 letters, digits, dots, hyphens and underscores", name)
	}
	return nil
}

// contextsPath is the file of contexts in the user's configuration folder.
func (e environment) contextsPath() (string, error) {
	if e.configFolder == nil {
		return "", errors.New("there is no configuration folder")
	}
	folder, err := e.configFolder()
	if err != nil {
		return "", fmt.Errorf("there is no configuration folder: %w", err)
	}
	return filepath.Join(folder, "postrider", contextsFile), nil
}

// readContexts reads the stored contexts; there are none without a file. A file that others can read or that is damaged is an error: its
// keys may be known to others, and a part of it would select another server.
func (e environment) readContexts() (savedContexts, error) {
	saved := savedContexts{Contexts: map[string]savedContext{}}
	path, err := e.contextsPath()
	if err != nil {
		return saved, nil // without a home, such as in a container
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return saved, nil
	case err != nil:
		return saved, fmt.Errorf("%s: %s", path, plainReason(err))
	case info.Mode().Perm()&0o077 != 0:
		return saved, fmt.Errorf("%s has API keys and others can read it; correct that with: chmod 600 %s", path, shellQuote(path))
	case info.Size() > maxContextsBytes:
		return saved, fmt.Errorf("%s is larger than 1 MiB, so it is no file of contexts", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return saved, fmt.Errorf("%s: %s", path, plainReason(err))
	}
	if err := json.Unmarshal(text, &saved); err != nil {
		return saved, fmt.Errorf("%s is damaged (%s); mend it, or delete it and log in again", path, jsonReason(text, err))
	}
	if saved.Contexts == nil {
		saved.Contexts = map[string]savedContext{}
	}
	return saved, saved.check(path)
}

// check refuses contexts that cannot be used, which somebody has edited by hand.
func (s savedContexts) check(path string) error {
	for _, name := range s.names() {
		one := s.Contexts[name]
		if _, err := parseServer(one.Server); err != nil || one.Key == "" || checkContextName(name) != nil {
			return fmt.Errorf("%s is damaged (context %q has no usable name, server or key); mend it, or delete it and log in again", path, name)
		}
	}
	return nil
}

// writeContexts stores the contexts for their owner alone. A crash leaves the file of before or the new one.
func (e environment) writeContexts(saved savedContexts) (path string, err error) {
	if path, err = e.contextsPath(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return path, fmt.Errorf("store the contexts: %w", err)
	}
	text, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return path, fmt.Errorf("store the contexts: %w", err)
	}
	// Only the owner can read a file that os.CreateTemp makes.
	file, err := os.CreateTemp(filepath.Dir(path), contextsFile+".*")
	if err != nil {
		return path, fmt.Errorf("store the contexts: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return path, fmt.Errorf("store the contexts: %w", err)
	}
	return path, nil
}
