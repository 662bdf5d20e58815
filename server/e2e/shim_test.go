package e2e_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"
)

// shim is the preloaded library of testdata/powercut, which see, with the journals of one process.
type shim struct {
	t                       testing.TB
	library, data, journals string
	// at is the operation before which the power goes, counted from arm on; 0 leaves that to a kill.
	at int
	// on is how the paths end of the files whose operations count; all when empty.
	on string
}

// armedFile in the folder of the journals tells the library to count.
const armedFile = "armed"

// compileShim returns the path of the library.
func compileShim(t testing.TB) string {
	t.Helper()
	library := filepath.Join(t.TempDir(), "powercut.so")
	out, err := exec.Command("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC",
		"-o", library, filepath.Join("testdata", "powercut", "powercut.c"), "-lpthread").CombinedOutput()
	if err != nil {
		t.Fatalf("compile powercut.c: %v\n%s", err, out)
	}
	return library
}

func newShim(t testing.TB, library, data string, at int) *shim {
	t.Helper()
	// SQLite opens files by their real path.
	data, err := filepath.EvalSymlinks(data)
	if err != nil {
		t.Fatal(err)
	}
	return &shim{t: t, library: library, data: data, journals: t.TempDir(), at: at}
}

// arm begins the count of operations.
func (s *shim) arm() {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.journals, armedFile), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// environment is what the process to be cut needs.
func (s *shim) environment() []string {
	return []string{
		"LD_PRELOAD=" + s.library, "POWERCUT_DATA=" + s.data, "POWERCUT_JOURNAL=" + s.journals,
		"POWERCUT_AT=" + strconv.Itoa(s.at), "POWERCUT_ON=" + s.on,
	}
}

// undo takes back every write that was not synced, once the process is dead, and returns how many there were in each file.
func (s *shim) undo() (map[string]int, error) {
	journals, err := os.ReadDir(s.journals)
	if err != nil {
		return nil, err
	}
	undone := map[string]int{}
	for _, entry := range journals {
		if entry.Name() == armedFile {
			continue
		}
		path, n, err := undoJournal(filepath.Join(s.journals, entry.Name()))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			undone[path] += n
		}
	}
	return undone, nil
}

// undoRecord is what one write or truncation destroyed.
type undoRecord struct {
	offset int64
	old    []byte
	size   int64
}

func undoJournal(journal string) (path string, writes int, err error) {
	raw, err := os.ReadFile(journal)
	if err != nil {
		return "", 0, err
	}
	name, rest, _ := bytes.Cut(raw, []byte("\n"))
	records := parseRecords(rest)
	if len(records) == 0 {
		return "", 0, nil
	}
	file, err := os.OpenFile(string(name), os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = file.Close() }()
	for i := len(records) - 1; i >= 0; i-- {
		if _, err := file.WriteAt(records[i].old, records[i].offset); err != nil {
			return "", 0, err
		}
		if err := file.Truncate(records[i].size); err != nil {
			return "", 0, err
		}
	}
	return string(name), len(records), nil
}

// parseRecords reads all complete records. The write of an incomplete one, the last, never happened.
func parseRecords(raw []byte) []undoRecord {
	var records []undoRecord
	for len(raw) >= 24 {
		offset, length, size := binary.NativeEndian.Uint64(raw), binary.NativeEndian.Uint64(raw[8:]), binary.NativeEndian.Uint64(raw[16:])
		if uint64(len(raw)-24) < length {
			break
		}
		records = append(records, undoRecord{offset: int64(offset), old: raw[24 : 24+length], size: int64(size)})
		raw = raw[24+length:]
	}
	return records
}

// writerVariable makes the test binary a program that writes rows into the SQLite file it names and says each one that
// is committed; the value of writerSynchronous is its PRAGMA.
const (
	writerVariable    = "E2E_WRITE_ROWS"
	writerSynchronous = "E2E_SYNCHRONOUS"
)

func writeRows(file string) int {
	db, err := sql.Open("sqlite3", "file:"+file+"?_journal_mode=WAL&_synchronous="+os.Getenv(writerSynchronous))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("create table if not exists row (id integer primary key, text text)"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for id := 1; ; id++ {
		if _, err := db.Exec("insert or replace into row values (?, ?)", id, strings.Repeat("x", id%3000)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(id)
	}
}

// TestShim holds the shim against a program of which it is known what a power cut does to it.
func TestShim(t *testing.T) {
	t.Parallel()
	seed, library := newSeed(t), compileShim(t)
	tests := []struct {
		synchronous string
		loses       bool
	}{
		{"FULL", false},
		{"NORMAL", true},
		{"OFF", true},
	}
	for _, test := range tests {
		t.Run(test.synchronous, func(t *testing.T) {
			t.Parallel()
			lost := 0
			for cut := range 5 {
				lost += cutWriter(t, library, test.synchronous, newRandom(seed, cut))
			}
			if (lost > 0) != test.loses {
				t.Errorf("synchronous=%s lost %d committed rows in 5 power cuts, expected to lose some: %t", test.synchronous, lost, test.loses)
			}
		})
	}
}

// cutWriter runs the program until the power goes and returns how many committed rows are gone.
func cutWriter(t *testing.T, library, synchronous string, random *rand.Rand) (lost int) {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "rows.db")
	s := newShim(t, library, folder, 200+random.IntN(4000))
	s.arm()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(s.environment(), writerVariable+"="+file, writerSynchronous+"="+synchronous)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	committed := lastLine(out)
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the program ended with %v, not by the power cut", err)
	}
	if _, err := s.undo(); err != nil {
		t.Fatalf("undo: %v", err)
	}
	return committed - countRows(t, file, committed)
}

func lastLine(r io.Reader) (n int) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		n, _ = strconv.Atoi(lines.Text())
	}
	return n
}

// countRows counts the rows up to last. A file that was never synced may hold nothing at all.
func countRows(t *testing.T, file string, last int) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var check string
	if err := db.QueryRow("pragma integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Errorf("integrity check: %q, %v", check, err)
	}
	err = db.QueryRow("select count(*) from row where id <= ?", last).Scan(&n)
	if err != nil && !strings.Contains(err.Error(), "no such table") {
		t.Fatal(err)
	}
	return n
}
