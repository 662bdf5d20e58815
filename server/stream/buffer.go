package stream

import "sync"

// WriteBytes is about how much a transport buffers before it writes, so that a burst takes few writes.
const WriteBytes = 32 << 10

const (
	// usualBytes is the largest capacity that a buffer grows to before its content needs more.
	usualBytes = WriteBytes + WriteBytes/4
	// maxPooledBytes is the largest capacity that is kept for other streams.
	maxPooledBytes = 2 * WriteBytes
)

// buffers has the memory of buffers that hold nothing.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Buffer holds what a transport has not written to its client yet. Its memory comes from a pool that all streams share, so a stream that
// has nothing to write holds none. The zero value is empty.
type Buffer struct{ content *[]byte }

// Extend returns the content, with room for n more bytes. The caller appends to it and hands the result to Set.
func (b *Buffer) Extend(n int) []byte {
	if b.content == nil {
		b.content, _ = buffers.Get().(*[]byte)
	}
	content := *b.content
	if cap(content)-len(content) >= n {
		return content
	}
	// Growing by less would copy a burst of small messages many times.
	grown := make([]byte, len(content), max(len(content)+n, min(4*cap(content), usualBytes)))
	copy(grown, content)
	return grown
}

// Set replaces the content with what Extend has returned and the caller has extended.
func (b *Buffer) Set(content []byte) { *b.content = content }

// Bytes returns the content, which is valid until the next call of another method.
func (b *Buffer) Bytes() []byte {
	if b.content == nil {
		return nil
	}
	return *b.content
}

// Full reports whether the content should be written.
func (b *Buffer) Full() bool { return len(b.Bytes()) >= WriteBytes }

// Release empties the buffer and gives its memory to other streams.
func (b *Buffer) Release() {
	if b.content != nil && cap(*b.content) <= maxPooledBytes {
		*b.content = (*b.content)[:0]
		buffers.Put(b.content)
	}
	b.content = nil
}
