package rpc

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/url"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/wire"
)

// withGzip offers gzip for answers, and for messages in addresses. Bodies are decompressed where they are read, so what is
// left to do here is small.
func withGzip(logger *slog.Logger) connect.HandlerOption {
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return &smallUnpacker{logger: logger} },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) },
	)
}

// smallUnpacker decompresses no more than the body of an unknown caller may have.
type smallUnpacker struct {
	gzip.Reader
	left   int
	logger *slog.Logger
}

// Reset implements connect.Decompressor.
func (u *smallUnpacker) Reset(from io.Reader) error {
	u.left = limit.UnknownBody
	return u.Reader.Reset(from)
}

// Read implements connect.Decompressor.
func (u *smallUnpacker) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p[:min(len(p), u.left+1)])
	if u.left -= n; u.left < 0 {
		u.left = 0
		return 0, wire.ConnectError(context.Background(), u.logger, limit.TooLarge(limit.UnknownBody))
	}
	return n, err
}

// chargeQuery charges a message that came in the address, as much as there can be of it.
func chargeQuery(ctx context.Context, query url.Values) error {
	size := len(query.Get("message"))
	if size > 0 && query.Get("compression") != "" {
		size = limit.UnknownBody
	}
	if size == 0 {
		return nil
	}
	return limit.CallOf(ctx).Charge(size)
}
