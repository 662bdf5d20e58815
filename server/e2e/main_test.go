// Package e2e_test tests Postrider as a black box: it starts the built binary, talks to it over the network (loopback only) and
// reads what it wrote. Random choices follow one seed, which is printed. POSTRIDER_TEST_SEED repeats a run.
package e2e_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const adminKey = "e2e-admin-key-0123456789"

func TestMain(m *testing.M) {
	if file := os.Getenv(writerVariable); file != "" {
		os.Exit(writeRows(file))
	}
	if address := os.Getenv(besiegeAt); address != "" {
		os.Exit(besiege(address))
	}
	os.Exit(m.Run())
}

// newSeed returns the seed of one test and prints it.
func newSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("POSTRIDER_TEST_SEED"); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("POSTRIDER_TEST_SEED: %v", err)
		}
		seed = given
	}
	t.Logf("POSTRIDER_TEST_SEED=%d", seed)
	return seed
}

// newRandom returns one of the independent sequences of a seed.
func newRandom(seed uint64, sequence int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(sequence)))
}

// fromTop returns the absolute path of a file of the repository.
func fromTop(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
