package rpc

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/gateway"
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
	left int
	// failed is why nothing can be read. Connect asks for it where it can have a reason, which is not in Reset.
	failed error
	logger *slog.Logger
}

// Reset implements connect.Decompressor.
func (u *smallUnpacker) Reset(from io.Reader) error {
	u.left, u.failed = limit.UnknownBody, u.Reader.Reset(from)
	return nil
}

// Read implements connect.Decompressor.
func (u *smallUnpacker) Read(p []byte) (int, error) {
	if u.failed != nil {
		return 0, u.show(undecodable(u.failed))
	}
	n, err := u.Reader.Read(p[:min(len(p), u.left+1)])
	if u.left -= n; u.left < 0 {
		u.left = 0
		return 0, u.show(limit.TooLarge(limit.UnknownBody))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, u.show(undecodable(err))
	}
	return n, err
}

// Close implements connect.Decompressor. There is nothing to close, and no reader where the beginning could not be read.
func (u *smallUnpacker) Close() error { return nil }

func (u *smallUnpacker) show(err error) error {
	return wire.ConnectError(context.Background(), u.logger, err)
}

// undecodable is the error of a message in an address that cannot be read.
func undecodable(cause error) error {
	fault := gateway.FieldError("request", "the message in the address cannot be decoded: %v", cause)
	fault.Reason = gateway.ReasonMalformedRequest
	return fault
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

// checkQuery refuses a message in the address that is no base64, which Connect takes for an error of the server.
func checkQuery(query url.Values) error {
	if query.Get("base64") != "1" {
		return nil
	}
	message, encoding := query.Get("message"), base64.RawURLEncoding
	if len(message)%4 == 0 {
		encoding = base64.URLEncoding // As Connect does: it may be padded.
	}
	if _, err := io.Copy(io.Discard, base64.NewDecoder(encoding, strings.NewReader(message))); err != nil {
		return undecodable(err)
	}
	return nil
}
