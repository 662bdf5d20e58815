package websocket

// smallFrame is the size below which a fragment of a message costs its client as much as a message.
const smallFrame = 512

// frameFollower parses the headers of a client's frames as they are read. The library reports messages and pings. But a
// client can send a million frames that are neither: unsolicited pongs, and empty fragments of a message.
type frameFollower struct {
	// header holds the part of a header that has arrived; have is its size.
	header [14]byte
	have   int
	// rest is the size of the part of the frame's payload that has not arrived.
	rest uint64
}

// follow parses bytes that were read. It returns how many of the frames that begin in them are charged: all except larger
// fragments after the first one of a message.
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

// headerBytes returns the size of the header, as far as it is known from the part that has arrived.
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
		size += 4 // the mask
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
