package httpserver

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// frameHeader is the size of what every HTTP/2 frame begins with (RFC 9113, section 4.1): 3 bytes of length, the type, flags, and
// 4 bytes of the stream's number.
const frameHeader = 9

// What a frame costs that brings nothing, in the unit of controlPerSecond. Giving up a call costs the work that was done for
// it; settings are applied and acknowledged; the others are looked at, and a ping is answered. Of the fields of a call the first are
// free, and the others cost a unit for each fieldsAUnit.
const (
	costOfReset   = 10
	costOfControl = 1
	freeFields    = 64
	fieldsAUnit   = 32
)

// clientFrames follows the frames of a client, far enough to say what they cost. net/http has its bounds for each connection, but
// none for calls that are given up before they are begun, and none that a new connection does not begin anew.
type clientFrames struct {
	// plain: the connection speaks HTTP/1.1. prefaced is how much of HTTP/2's preface has come.
	plain    bool
	prefaced int
	header   [frameHeader]byte
	// begun is how much of the next frame's header has come, payload how much of the last one's payload is still to come.
	begun, payload int
	// lead is how much comes before the header list in the payload under way, and padding how much after it.
	lead, padding int
	// padded: the first byte of lead is the length of the padding. inFields: the payload is a part of a header list.
	padded, inFields bool
	list             fieldCounter
	// fields are those of the header list under way, unpaid those beyond the free ones that have not cost anything yet.
	fields, unpaid int
	// updates are the window updates that have come, but for those that were paid for.
	updates int
}

// Window updates are free while there is no more than one for each updateBytes that the server has sent, but for the first.
const (
	freeUpdates = 256
	updateBytes = 64
)

// unearned returns what the window updates cost that have come for nothing that was sent.
func (f *clientFrames) unearned(sent int64) int {
	beyond := max(f.updates-freeUpdates-int(sent/updateBytes), 0)
	f.updates -= beyond
	return beyond * costOfControl
}

// pass follows the bytes that a client has sent, and returns what they cost, and how many calls they begin.
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

// pay follows a piece of the payload under way and returns its length.
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

// frame returns what a frame costs whose header is there.
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

// serverFrames follows the frames of the server far enough to see which streams it resets: a client can have that done for it, by
// frames that break the rules (CVE-2025-8671) or by more streams than there may be, and pays as if it had done it itself.
type serverFrames struct {
	// header is that of the next frame, with the error code where it is a reset; begun is how much of it was written.
	header [frameHeader + 4]byte
	begun  int
	// payload is how much of the last frame's payload is still to be written.
	payload int
}

// resets returns how many streams are reset by what is written, but for those whose calls were answered early.
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
