package wire

import "net/http"

// PassOn sets the headers that keep intermediaries from delaying a stream: caches, proxies that buffer responses (nginx,
// unless X-Accel-Buffering says no), and proxies that compress them.
func PassOn(header http.Header) {
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
}
