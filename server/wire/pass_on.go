package wire

import "net/http"

// PassOn keeps what is between server and client from holding a stream back: caches, proxies that collect an answer before
// they pass it on (nginx, unless X-Accel-Buffering says no), and those that compress it.
func PassOn(header http.Header) {
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
}
