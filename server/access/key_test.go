package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/access"
)

func TestNewKey(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^prk_[a-z2-7]{26}$`)
	seen := map[string]bool{}
	for range 1000 {
		key := access.NewKey()
		if !form.MatchString(key) || seen[key] {
			t.Fatalf("key %q", key)
		}
		seen[key] = true
	}
}

func TestKeyHash(t *testing.T) {
	t.Parallel()
	key := access.NewKey()
	if !access.HashKey(key).Equal(access.HashKey(key)) {
		t.Error("a key's hash differs from itself")
	}
	if access.HashKey(key).Equal(access.HashKey(key + " ")) {
		t.Error("another key has the same hash")
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"prk_abcdefghijkl": "prk_abcd", "short": "short", "": ""} {
		if got := access.Hint(key); got != want {
			t.Errorf("Hint(%q) = %q", key, got)
		}
	}
}

func TestAdminKeyFromSetting(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, key string
		ok        bool
	}{
		{"16 characters", strings.Repeat("k", 16), true},
		{"256 characters", strings.Repeat("k", 256), true},
		{"every printable character", " !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"[1:], true},
		{"space inside", "correct horse battery", true},
		{"15 characters", strings.Repeat("k", 15), false},
		{"257 characters", strings.Repeat("k", 257), false},
		{"space before", " " + strings.Repeat("k", 16), false},
		{"newline after", strings.Repeat("k", 16) + "\n", false},
		{"a tab", strings.Repeat("k", 16) + "\tk", false},
		{"not ASCII", strings.Repeat("ä", 16), false},
		{"DEL", strings.Repeat("\x7f", 16), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			key, err := access.LoadAdminKey(c.key, dir)
			if !c.ok {
				if !errors.Is(err, access.ErrAdminKey) || strings.Contains(err.Error(), "kkk") {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil || !key.Hash.Equal(access.HashKey(c.key)) || key.Path != "" {
				t.Errorf("%+v, %v", key, err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 0 {
				t.Errorf("a file was made: %v", entries)
			}
		})
	}
}

func TestAdminKeyInFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := access.LoadAdminKey("", dir)
	if err != nil || made.Path != filepath.Join(dir, "admin-key") {
		t.Fatalf("%+v, %v", made, err)
	}
	expectPrivate(t, dir, "admin-key")
	text, err := os.ReadFile(made.Path)
	if err != nil || !made.Hash.Equal(access.HashKey(strings.TrimSpace(string(text)))) {
		t.Fatalf("the file holds another key: %v", err)
	}
	read, err := access.LoadAdminKey("", dir)
	if err != nil || !read.Hash.Equal(made.Hash) {
		t.Errorf("the next start: %+v, %v", read, err)
	}
	if err := os.WriteFile(made.Path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := access.LoadAdminKey("", dir); !errors.Is(err, access.ErrAdminKey) || !strings.Contains(err.Error(), made.Path) {
		t.Errorf("a bad key in the file: %v", err)
	}
}

// expectPrivate wants dir to hold one file, with mode 0600 and nothing left over from its making.
func expectPrivate(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Fatalf("%s holds %v, %v", dir, entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}
