package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/seal"
)

const (
	firstKey  = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	thirdKey  = "aa0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eaa"
	secondKey = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
)

// sealedOnce was sealed for place with firstKey.
const sealedOnce = "01630dcd2966c43366fb69e4fb507436e1d50dad20a0b164cac27d0d182ec55d5e8eea1cae8" +
	"4b2f235ae73dcdc5cce93c7b0f31eef3bb7b63d9b1912c36fe7bb6f5ffdad4fe0d6d1262af2"

var place = seal.Place{Column: "subscription.secret", Row: "sub_1"}

func keyring(t testing.TB, keys ...string) *seal.Keyring {
	t.Helper()
	ring, err := seal.ParseKeyring(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	for _, size := range []int{0, 1, 38, 4096} {
		plain := bytes.Repeat([]byte("s"), size)
		sealed := ring.Seal(place, plain)
		if size > 4 && bytes.Contains(sealed, plain[:4]) {
			t.Errorf("%d: the text shows in %q", size, sealed)
		}
		if got, err := ring.Open(place, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d: Open = %q, %v", size, got, err)
		}
	}
	if bytes.Equal(ring.Seal(place, []byte("x")), ring.Seal(place, []byte("x"))) {
		t.Error("equal texts give equal values")
	}
}

// A value sealed by an older version of this program must open for ever.
func TestSealedFormatStands(t *testing.T) {
	t.Parallel()
	sealed, err := hex.DecodeString(sealedOnce)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keyring(t, firstKey).Open(place, sealed)
	if err != nil || string(got) != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
		t.Errorf("Open = %q, %v", got, err)
	}
}

func TestSealedValueOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	sealed := ring.Seal(place, []byte("secret"))
	for _, other := range []seal.Place{
		{Column: "subscription.secret", Row: "sub_2"},
		{Column: "subscription.headers", Row: "sub_1"},
		{Column: "subscription.secretsub_1", Row: ""},
		{Column: "subscription.secre", Row: "tsub_1"},
		{},
	} {
		if _, err := ring.Open(other, sealed); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("Open(%+v) = %v", other, err)
		}
	}
}

func TestEveryBitOfASealedValueCounts(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	sealed := ring.Seal(place, []byte("secret"))
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := ring.Open(place, damaged); err == nil {
			t.Errorf("byte %d may be changed", i)
		}
	}
	for n := range sealed {
		if _, err := ring.Open(place, sealed[:n]); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before, during, after := keyring(t, firstKey), keyring(t, secondKey, firstKey), keyring(t, secondKey)
	old := before.Seal(place, []byte("secret"))
	if got, err := during.Open(place, old); err != nil || string(got) != "secret" {
		t.Fatalf("an old value: %q, %v", got, err)
	}
	renewed := during.Seal(place, []byte("secret"))
	if got, err := after.Open(place, renewed); err != nil || string(got) != "secret" {
		t.Errorf("a new value: %q, %v", got, err)
	}
	if _, err := after.Open(place, old); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("an old value without the old key: %v", err)
	}
}

func TestParseKeyring(t *testing.T) {
	t.Parallel()
	raw, err := hex.DecodeString(firstKey)
	if err != nil {
		t.Fatal(err)
	}
	raw[0], raw[1] = 0xfb, 0xff // gives + and /
	hexKey := hex.EncodeToString(raw)
	sealed := keyring(t, hexKey).Seal(place, []byte("x"))
	for name, text := range map[string]string{
		"hex":                        hexKey,
		"upper case hex":             strings.ToUpper(hexKey),
		"base64":                     base64.StdEncoding.EncodeToString(raw),
		"base64 without padding":     base64.RawStdEncoding.EncodeToString(raw),
		"url base64":                 base64.URLEncoding.EncodeToString(raw),
		"url base64 without padding": base64.RawURLEncoding.EncodeToString(raw),
		"with space around":          "  " + hexKey + "\n",
		"second of two":              secondKey + ",\n" + hexKey,
	} {
		ring, err := seal.ParseKeyring(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := ring.Open(place, sealed); err != nil {
			t.Errorf("%s reads as another key: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty":         "",
		"separators":    " ,\n",
		"too short":     firstKey[:62],
		"too long":      firstKey + "00",
		"not hex":       strings.Repeat("z", 64),
		"31 bytes":      base64.StdEncoding.EncodeToString(raw[:31]),
		"33 bytes":      base64.StdEncoding.EncodeToString(append(bytes.Clone(raw), 1)),
		"a pass phrase": "correct horse battery staple correct horse battery staple",
		"one of two":    firstKey + ",nonsense",
	} {
		if _, err := seal.ParseKeyring(text); !errors.Is(err, seal.ErrSecretKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadKeyring(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := seal.LoadKeyring("", dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "secret.key")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Fatalf("%v is there before the key may be used, %v", entries, err)
	}
	for range 2 {
		if err := made.Save(); err != nil {
			t.Fatal(err)
		}
		expectPrivate(t, dir, "secret.key")
	}
	sealed := made.Seal(place, []byte("secret"))
	read, err := seal.LoadKeyring("", dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read.Open(place, sealed); err != nil {
		t.Errorf("the next start cannot open what this one sealed: %v", err)
	}
	fromSetting, err := seal.LoadKeyring(firstKey, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fromSetting.Open(place, sealed); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("the setting does not go before the file: %v", err)
	}
	for _, content := range []string{"", "\n", "nonsense"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.LoadKeyring("", dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a file with %q: %v", content, err)
		}
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

func TestAKeyringKnowsItsKeys(t *testing.T) {
	t.Parallel()
	ring := keyring(t, secondKey, firstKey)
	for name, c := range map[string]struct {
		by   *seal.Keyring
		want bool
	}{"the first": {keyring(t, secondKey), true}, "an older one": {keyring(t, firstKey), true}, "another": {keyring(t, thirdKey), false}} {
		head := c.by.Seal(place, []byte("secret"))[:seal.HeadBytes]
		if ring.Knows(head) != c.want {
			t.Errorf("%s: Knows reports %v", name, !c.want)
		}
	}
	if ring.Knows(nil) || ring.Knows([]byte{1, 2}) {
		t.Error("a damaged head has a key")
	}
}

func TestOpenFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret.key")
	if err := os.WriteFile(path, []byte(firstKey), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o660: true, 0o644: false, 0o602: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.LoadKeyring("", dir); (err == nil) != ok {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestSavingAKeyNeedsTheFolder(t *testing.T) {
	t.Parallel()
	ring, err := seal.LoadKeyring("", filepath.Join(t.TempDir(), "absent"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Save(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	ring := keyring(f, firstKey)
	f.Add(ring.Seal(place, []byte("secret")))
	f.Add([]byte{1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		got, err := ring.Open(place, sealed)
		if err == nil && string(got) != "secret" {
			t.Errorf("opened a forgery: %q", got)
		}
	})
}
