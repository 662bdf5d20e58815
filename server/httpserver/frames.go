package httpserver

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// frameHeader is the size of what every HTTP/2 frame begins with (RFC 9113, section 4.1): 3 bytes of length, the type, flags, and
// 4 bytes of the stream's number.
const frameHeader = 9

// What a frame costs that brings nothing, in the unit of controlPerSecond. Giving up a call costs the work that was done for
// it; settings are applied and acknowledged; the others are looked at, and a ping is answered.
const (
	costOfReset   = 10
	costOfControl = 1
)

// headersAtOnce is how many calls a connection may begin with one read, so that those behind them can be kept waiting.
const headersAtOnce = 8

// frames follows the frames of a client, far enough to say what they cost. net/http has its bounds for each connection, but
// none for calls that are given up before they are begun, and none that a new connection does not begin anew.
type frames struct {
	// plain: the connection speaks HTTP/1.1. prefaced is how much of HTTP/2's preface has come.
	plain    bool
	prefaced int
	header   [frameHeader]byte
	// begun is how much of the next frame's header has come, payload how much of the last one's payload is still to come.
	begun, payload int
}

// passed is what some bytes of a connection hold.
type passed struct{ bytes, calls, cost int }

// pass follows the bytes that a client has sent, up to where enough calls have begun.
func (f *frames) pass(p []byte) (of passed) {
	for of.bytes < len(p) && of.calls < headersAtOnce && !f.plain {
		rest := p[of.bytes:]
		switch {
		case f.prefaced < len(http2.ClientPreface):
			f.plain = rest[0] != http2.ClientPreface[f.prefaced]
			f.prefaced++
			of.bytes++
		case f.payload > 0:
			n := min(f.payload, len(rest))
			f.payload -= n
			of.bytes += n
		default:
			n := copy(f.header[f.begun:], rest)
			f.begun += n
			of.bytes += n
			if f.begun == frameHeader {
				f.frame(&of)
			}
		}
	}
	if f.plain {
		of.bytes = len(p)
	}
	return of
}

// frame accounts for a frame whose header is there.
func (f *frames) frame(of *passed) {
	f.begun = 0
	f.payload = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
	switch kind, flags := http2.FrameType(f.header[3]), http2.Flags(f.header[4]); kind {
	case http2.FrameHeaders:
		of.calls++
	case http2.FrameRSTStream, http2.FrameSettings:
		of.cost += costOfReset
	case http2.FrameData:
		if f.payload == 0 && !flags.Has(http2.FlagDataEndStream) {
			of.cost += costOfControl
		}
	case http2.FrameWindowUpdate:
		// Readers of streams send them with what they have read.
	default:
		of.cost += costOfControl
	}
}

// answers follows the frames of the server far enough to see which streams it resets: a client can have that done for it, by
// frames that break the rules (CVE-2025-8671) or by more streams than there may be, and pays as if it had done it itself.
type answers struct {
	// header is that of the next frame, with the error code where it is a reset; begun is how much of it was written.
	header [frameHeader + 4]byte
	begun  int
	// payload is how much of the last frame's payload is still to be written.
	payload int
}

// resets returns how many streams are reset by what is written, but for those whose calls were answered early.
func (a *answers) resets(p []byte) (n int) {
	for len(p) > 0 {
		if a.payload > 0 {
			passed := min(a.payload, len(p))
			a.payload -= passed
			p = p[passed:]
			continue
		}
		end := frameHeader
		if a.begun >= frameHeader {
			end = len(a.header)
		}
		copied := copy(a.header[a.begun:end], p)
		a.begun += copied
		p = p[copied:]
		switch {
		case a.begun == len(a.header):
			a.begun = 0
			if http2.ErrCode(binary.BigEndian.Uint32(a.header[frameHeader:])) != http2.ErrCodeNo {
				n++
			}
		case a.begun == frameHeader && http2.FrameType(a.header[3]) != http2.FrameRSTStream:
			a.begun = 0
			a.payload = int(a.header[0])<<16 | int(a.header[1])<<8 | int(a.header[2])
		}
	}
	return n
}
