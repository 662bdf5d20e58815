package httpserver_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// The fields of a list are counted as HPACK's decoder counts them, whatever form they have and wherever the pieces are cut.
func TestFieldsAreCountedAsTheyAreDecoded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSizeLimit(1 << 20)
	decoded := 0
	decoder := hpack.NewDecoder(4096, func(hpack.HeaderField) { decoded++ })
	decoder.SetAllowedMaxDynamicTableSize(1 << 20)
	for list := range 2000 {
		block.Reset()
		decoded = 0
		resized := 0
		if list%7 == 1 {
			encoder.SetMaxDynamicTableSize(uint32(random.IntN(1 << 20)))
			resized = 1
		}
		for range 1 + random.IntN(40) {
			_ = encoder.WriteField(randomField(random))
		}
		if _, err := decoder.Write(block.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := decoder.Close(); err != nil {
			t.Fatal(err)
		}
		// A second change of the table's size announces the lower of two.
		if got := httpserver.FieldsOf(cut(random, block.Bytes())...); got < decoded+resized || got > decoded+2*resized {
			t.Fatalf("list %d, %x: %d fields, want %d", list, block.Bytes(), got, decoded+resized)
		}
	}
}

func randomField(random *rand.Rand) hpack.HeaderField {
	names := []string{":path", "authorization", "x-a", "x-" + strings.Repeat("b", random.IntN(300)), ""}
	values := []string{"", "/", "a", strings.Repeat("c", random.IntN(300)), strings.Repeat("\xff", random.IntN(40_000))}
	return hpack.HeaderField{
		Name: names[random.IntN(len(names))], Value: values[random.IntN(len(values))], Sensitive: random.IntN(3) == 0,
	}
}

func cut(random *rand.Rand, p []byte) (pieces [][]byte) {
	for len(p) > 0 {
		n := min(1+random.IntN(1+random.IntN(1000)), len(p))
		pieces, p = append(pieces, p[:n]), p[n:]
	}
	return pieces
}
