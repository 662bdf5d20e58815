package client

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// idText keeps the order of the bytes.
var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewID makes an event id: "evt_", 48 bits of milliseconds and 80 random bits. Ids made about the same time are neighbours
// in the server's index, which makes publishing cheap; nothing is ordered by them.
func NewID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	return "evt_" + idText.EncodeToString(id[:])
}
