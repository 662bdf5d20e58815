package client

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// idText keeps the order of the bytes.
var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewID returns a new event id: "evt_", 48 bits of milliseconds and 80 random bits. Ids that are created at about the same
// time are neighbours in the server's index, which makes publishing cheap. Nothing is ordered by ids.
func NewID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	return "evt_" + idText.EncodeToString(id[:])
}
