package httpserver

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// frameHeader is the size of an HTTP/2 frame's header (RFC 9113, section 4.1): 3 bytes of length, the type, flags, and 4 bytes of the
// stream's number.
const frameHeader = 9

// The cost of useless frames, in units of controlPerSecond. Cancelling a call wastes the work that was done for it; settings are
// applied and acknowledged; other frames are parsed, and a ping is answered. The first fields of a call are free, and further ones
// cost a unit for each fieldsAUnit.
const (
	costOfReset   = 10
	costOfControl = 1
	freeFields    = 64
	fieldsAUnit   = 32
)

// clientFrames parses the frames of a client far enough to determine their cost. net/http has limits per connection. It has none for
// calls that are cancelled before they begin, and its limits begin anew with each connection.
type clientFrames struct {
	// plain means HTTP/1.1. prefaced is the number of bytes of HTTP/2's preface that have arrived.
	plain    bool
	prefaced int
	header   [frameHeader]byte
	// begun is the number of bytes of the next frame's header that have arrived, payload the outstanding length of the current payload.
	begun, payload int
	// lead is the number of bytes before the header list in the current payload, and padding the number after it.
	lead, padding int
	// padded means that the first byte of lead is the length of the padding. inFields means that the payload is part of a header list.
	padded, inFields bool
	list             fieldCounter
	// fields is the number of fields of the current header list, unpaid the number beyond the free ones that are not charged yet.
	fields, unpaid int
	// updates is the number of window updates that have arrived and are not charged.
	updates int
}

// The first freeUpdates window updates are free, and one more for each updateBytes that the server has sent.
const (
	freeUpdates = 256
	updateBytes = 64
)

// unearned returns the cost of the window updates beyond the free ones.
func (f *clientFrames) unearned(sent int64) int {
	beyond := max(f.updates-freeUpdates-int(sent/updateBytes), 0)
	f.updates -= beyond
	return beyond * costOfControl
}

// pass parses bytes of the client, and returns their cost and the number of calls that they begin.
func (f *clientFrames) pass(p []byte) (cost, calls int) {
	for len(p) > 0 && !f.plain {
		var n int
		switch {
		case f.prefaced < len(http2.ClientPreface):
			n = 1
			f.plain = p[0] != http2.ClientPreface[f.prefaced]
			f.prefaced++
		case f.payload > 0:
			n = f.pay(p)
			f.payload -= n
		default:
			n = copy(f.header[f.begun:], p)
			if f.begun += n; f.begun == frameHeader {
				cost += f.frame()
				if http2.FrameType(f.header[3]) == http2.FrameHeaders {
					calls++
				}
			}
		}
		p = p[n:]
	}
	cost += f.unpaid / fieldsAUnit
	f.unpaid %= fieldsAUnit
	return cost, calls
}

// pay parses a part of the current payload and returns its length.
func (f *clientFrames) pay(p []byte) int {
	switch list := f.payload - f.padding; {
	case !f.inFields || f.lead == 0 && list <= 0:
		return min(f.payload, len(p))
	case f.lead > 0:
		if f.padded {
			f.padded, f.padding = false, int(p[0])
		}
		f.lead--
		return 1
	default:
		n := min(list, len(p))
		before := max(f.fields, freeFields)
		f.fields += f.list.pass(p[:n])
		f.unpaid += max(f.fields-before, 0)
		return n
	}
}

// frame returns the cost of the frame whose header is complete.
func (f *clientFrames) frame() int {
	f.begun = 0
	f.payload = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
	f.lead, f.padding, f.padded, f.inFields = 0, 0, false, false
	switch kind, flags := http2.FrameType(f.header[3]), http2.Flags(f.header[4]); kind {
	case http2.FrameRSTStream, http2.FrameSettings:
		return costOfReset
	case http2.FrameHeaders:
		f.beginList(flags)
		return 0 // The calls they begin wait for their turns.
	case http2.FrameContinuation:
		f.inFields = true
	case http2.FrameWindowUpdate:
		f.updates++
		return 0 // Readers send them with what they have read; the others cost (see unearned).
	case http2.FrameData:
		if f.payload > 0 || flags.Has(http2.FlagDataEndStream) {
			return 0
		}
	}
	return costOfControl
}

// beginList begins the header list of a HEADERS frame (RFC 9113, section 6.2).
func (f *clientFrames) beginList(flags http2.Flags) {
	f.list, f.fields, f.inFields = fieldCounter{}, 0, true
	if f.padded = flags.Has(http2.FlagHeadersPadded); f.padded {
		f.lead++
	}
	if flags.Has(http2.FlagHeadersPriority) {
		f.lead += 5
	}
}

// serverFrames parses the frames of the server far enough to count the streams that it resets. A client can provoke resets, by invalid
// frames (CVE-2025-8671) or by too many streams, and pays for them as for its own.
type serverFrames struct {
	// header is that of the next frame, with the error code where it is a reset; begun is how much of it was written.
	header [frameHeader + 4]byte
	begun  int
	// payload is how much of the last frame's payload is still to be written.
	payload int
}

// resets returns the number of streams that are reset by the written bytes, without those whose calls were answered early.
func (f *serverFrames) resets(p []byte) (n int) {
	for len(p) > 0 {
		if f.payload > 0 {
			passed := min(f.payload, len(p))
			f.payload -= passed
			p = p[passed:]
			continue
		}
		end := frameHeader
		if f.begun >= frameHeader {
			end = len(f.header)
		}
		copied := copy(f.header[f.begun:end], p)
		f.begun += copied
		p = p[copied:]
		switch {
		case f.begun == len(f.header):
			f.begun = 0
			if http2.ErrCode(binary.BigEndian.Uint32(f.header[frameHeader:])) != http2.ErrCodeNo {
				n++
			}
		case f.begun == frameHeader && http2.FrameType(f.header[3]) != http2.FrameRSTStream:
			f.begun = 0
			f.payload = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
		}
	}
	return n
}
