package publish

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"sync"
	"time"
)

const idPrefix = "evt_"

// idText keeps the order of the bytes, so that the ids of one process sort as text in the order in which they were made.
var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// idSource makes ids of 48 bits of milliseconds and 80 random bits, which grow by one within a millisecond. Events that are
// close in time are then close in the index, which makes inserts cheap. Nothing relies on the order of ids.
type idSource struct {
	mu   sync.Mutex
	last [16]byte
}

func (s *idSource) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var now [8]byte
	binary.BigEndian.PutUint64(now[:], uint64(time.Now().UnixMilli())<<16)
	if string(now[:6]) > string(s.last[:6]) {
		copy(s.last[:6], now[:6])
		rand.Read(s.last[6:])
	} else {
		increment(s.last[:])
	}
	var text [len(idPrefix) + 26]byte
	copy(text[:], idPrefix)
	idText.Encode(text[len(idPrefix):], s.last[:])
	return string(text[:])
}

// increment adds one. If the random bits overflow, the id moves to the next millisecond.
func increment(number []byte) {
	for i := len(number) - 1; i >= 0; i-- {
		if number[i]++; number[i] != 0 {
			return
		}
	}
}
