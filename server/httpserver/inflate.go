package httpserver

import (
	"compress/gzip"
	"io"
	"net/http"
	"sync"
)

// gzipEncoding is the only supported compression of requests.
const gzipEncoding = "gzip"

// unpackers is a pool of gzip readers, whose windows are large.
var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflated is a body that is compressed as a whole.
type inflated struct {
	body *body
	from *gzip.Reader
	done bool
}

// Read implements io.Reader.
func (z *inflated) Read(to []byte) (int, error) {
	if z.done {
		return 0, io.EOF
	}
	if z.from == nil {
		z.from = unpackers.Get().(*gzip.Reader)
		if err := z.from.Reset(received{z.body}); err != nil {
			z.free()
			return 0, err // io.EOF where nothing came at all.
		}
	}
	n, err := z.from.Read(to)
	if n > 0 {
		if refused := z.body.take(n, n); refused != nil {
			z.free()
			return 0, refused
		}
	}
	if err != nil {
		z.free()
	}
	return n, err
}

// free returns the reader to the pool.
func (z *inflated) free() {
	z.done = true
	if z.from != nil {
		unpackers.Put(z.from)
		z.from = nil
	}
}

// received reads from the client without decompression.
type received struct{ body *body }

func (r received) Read(p []byte) (int, error) { return r.body.receive(p) }

// unpackWhole reports whether a body is compressed as a whole with gzip. If so, it removes the header, so that handlers see an
// uncompressed body. The responses to the client can still be compressed.
func unpackWhole(header http.Header) bool {
	if header.Get("Content-Encoding") != gzipEncoding {
		return false
	}
	header.Del("Content-Encoding")
	if header.Get("Accept-Encoding") == "" {
		header.Set("Accept-Encoding", gzipEncoding)
	}
	return true
}
