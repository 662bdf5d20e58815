package websocket

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math"
	"sync"
)

// opcode is the type of a frame.
type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
)

const (
	// final marks the last frame of a message, and deflated a compressed message, in the first byte of a frame.
	final    = 0x80
	deflated = 0x40
	// maxControl is the maximum size of the payload of a control frame.
	maxControl = 125
	// maxHeader is the maximum size of the header of a frame from a server.
	maxHeader = 10
)

// appendFrame appends a message in one frame. encode appends the payload in place: room for the longest header is left
// before the payload, and what the header does not need is removed.
func appendFrame(dst []byte, op opcode, encode func([]byte) ([]byte, error)) ([]byte, error) {
	from := len(dst)
	framed, err := encode(append(dst, make([]byte, maxHeader)...))
	if err != nil {
		return dst, err
	}
	payload := framed[from+maxHeader:]
	header := appendHeader(framed[:from], final|byte(op), len(payload))
	return append(header, payload...), nil
}

func appendHeader(dst []byte, first byte, length int) []byte {
	switch {
	case length <= maxControl:
		return append(dst, first, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(length))
	}
}

// compressBytes is the minimum size of a message that is compressed.
const compressBytes = 512

// deflater compresses each message independently. To keep a window for each connection would take 32 KB of it, and more time
// to write.
type deflater struct {
	out    bytes.Buffer
	writer *flate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := &deflater{}
	d.writer, _ = flate.NewWriter(&d.out, flate.BestSpeed) // cannot fail for a valid level
	return d
}}

// flushMark is the end of a flushed block. A message is sent without it (RFC 7692, 7.2.1).
var flushMark = []byte{0, 0, 0xff, 0xff}

// appendDeflated appends a message in one compressed frame, or uncompressed if it is short.
func appendDeflated(dst []byte, op opcode, encode func([]byte) ([]byte, error)) ([]byte, error) {
	from := len(dst)
	framed, err := appendFrame(dst, op, encode)
	if err != nil {
		return dst, err
	}
	frame := framed[from:]
	if len(frame) < compressBytes {
		return framed, nil
	}
	payload := frame[headerBytes(frame):]
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	d.writer.Reset(&d.out)
	// Writing to a buffer cannot fail.
	_, _ = d.writer.Write(payload)
	_ = d.writer.Flush()
	short := bytes.TrimSuffix(d.out.Bytes(), flushMark)
	return append(appendHeader(framed[:from], final|deflated|byte(op), len(short)), short...), nil
}

// headerBytes returns the size of the header of a frame from a server.
func headerBytes(frame []byte) int {
	switch frame[1] {
	case 127:
		return 10
	case 126:
		return 4
	default:
		return 2
	}
}
