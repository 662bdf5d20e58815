package websocket

// smallFrame is the size below which a part of a message costs its client as much as a message does.
const smallFrame = 512

// frameFollower reads the headers of a client's frames as they go by. The library hands over messages and reports pings, but a client can
// send a million frames that are neither: pongs that nobody asked for, and parts of a message with nothing in them.
type frameFollower struct {
	// header is what has come of a header, have how much that is.
	header [14]byte
	have   int
	// rest is how much of the frame's payload is still to come.
	rest uint64
}

// follow takes what was read, and returns how many of the frames that begin in it cost something: all but larger parts of a message, whose
// first part has.
func (f *frameFollower) follow(p []byte) (cost int) {
	for len(p) > 0 {
		if f.rest > 0 {
			n := min(f.rest, uint64(len(p)))
			f.rest -= n
			p = p[n:]
			continue
		}
		f.header[f.have] = p[0]
		f.have++
		p = p[1:]
		if f.have < f.headerBytes() {
			continue
		}
		f.rest = f.payloadBytes()
		if opcode(f.header[0]&0x0f) != opContinuation || f.rest < smallFrame {
			cost++
		}
		f.have = 0
	}
	return cost
}

// headerBytes is the size of the header, as far as what has come of it says.
func (f *frameFollower) headerBytes() int {
	if f.have < 2 {
		return 2
	}
	size := 2
	switch f.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.header[1]&0x80 != 0 {
		size += 4 // The mask.
	}
	return size
}

func (f *frameFollower) payloadBytes() uint64 {
	switch length := f.header[1] & 0x7f; length {
	case 126:
		return uint64(f.header[2])<<8 | uint64(f.header[3])
	case 127:
		var size uint64
		for _, b := range f.header[2:10] {
			size = size<<8 | uint64(b)
		}
		return size
	default:
		return uint64(length)
	}
}
