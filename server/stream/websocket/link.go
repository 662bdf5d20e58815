package websocket

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/postrider-dev/postrider/server/stream"
)

const (
	// writeTimeout bounds how long one write may wait for a client that does not read.
	writeTimeout = 30 * time.Second
	// silence is how long a client may send nothing, not even pongs.
	silence = 75 * time.Second
	// messageTime is how long a message may take to arrive, and a second more for every messagePace bytes of it.
	messageTime = 20 * time.Second
	messagePace = 4 << 10
	// closeTimeout bounds how long closing may take: what is being written, and the client's answer to the close.
	closeTimeout = 2 * time.Second
)

// link is the connection below the frames. It buffers frames until they are flushed, so that all that are ready go out in
// one write, and keeps the deadlines. The library, which reads, writes its control frames through it.
type link struct {
	net.Conn
	// early holds what the client sent before its request was answered.
	early []byte
	// frames are those of the client, and pace how fast they may come. Both are the reader's.
	frames frameFollower
	pace   *pace

	mu sync.Mutex
	// pending has whole frames that are not written yet.
	pending stream.Buffer
	// writing says that a goroutine writes; it also writes what is buffered meanwhile.
	writing bool
	// written means that a write has ended. taken and done number the buffers that were begun and ended to be written.
	written     sync.Cond
	taken, done int
	// closed says that a close frame is buffered or written: nothing may follow it.
	closed bool
	// err is why nothing more can be written.
	err error

	// opened is when the link was made, heard how long after that something last came from the client: the wall clock may be
	// set meanwhile.
	opened time.Time
	heard  atomic.Int64

	deadlines            sync.Mutex
	leaving              bool
	readUntil, writeTill time.Time
	// began is when the message under way began; zero between two. came is how much of it has come.
	began time.Time
	came  int
}

// eventFrame is the room in bytes that the frame of a small event needs.
const eventFrame = 512

// newLink makes a link whose client may send a number of frames a second; 0 for any. shared is what those of other links ask for.
func newLink(rate int, shared func(frames int) time.Duration) *link {
	l := &link{opened: time.Now(), pace: newPace(rate, shared)}
	l.written.L = &l.mu
	return l
}

// Read reads no faster than the client may send frames. It keeps the deadline for clients that are gone without a word, which is moved
// at most once a second.
func (l *link) Read(p []byte) (int, error) {
	n, err := l.read(p)
	l.pace.keep(l.frames.follow(p[:n]))
	return n, err
}

func (l *link) read(p []byte) (int, error) {
	if len(l.early) > 0 {
		n := copy(p, l.early)
		if l.early = l.early[n:]; len(l.early) == 0 {
			l.early = nil
		}
		return n, nil
	}
	l.awaitClient()
	n, err := l.Conn.Read(p)
	l.heard.Store(int64(time.Since(l.opened)))
	return n, err
}

// Write sends what the library writes: control frames, one whole frame at a time. After a close frame it gives up the
// connection, so that has to be written for good.
func (l *link) Write(frame []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := frame
	closes := frame[0] == final|byte(opClose)
	if closes {
		sent = plainClose(frame)
	}
	err := l.add(func(put []byte) ([]byte, error) { return append(put, sent...), nil })
	if err == nil {
		l.closed = closes
		err = l.drive()
	}
	for closes && l.writing {
		l.written.Wait()
	}
	if err != nil {
		return 0, err
	}
	return len(frame), nil
}

// plainClose makes a protocol error of the echo of a close whose reason is no text, which the library does not look at.
func plainClose(frame []byte) []byte {
	const reason = 4
	if len(frame) <= reason || utf8.Valid(frame[reason:]) {
		return frame
	}
	return appendClose(nil, CloseInvalidText, "")
}

// message buffers a data frame, whose payload encode appends. What is much is written when message returns: until then it has room
// in the memory (stream.Hub.Keep), and a connection holds no more than one such buffer, and what is added while that is written.
func (l *link) message(op opcode, compress bool, encode func([]byte) ([]byte, error)) error {
	frame := appendFrame
	if compress {
		frame = appendDeflated
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.add(func(put []byte) ([]byte, error) { return frame(put, op, encode) })
	if err != nil || !l.pending.Full() {
		return err
	}
	own := l.taken + 1
	_ = l.drive() // Its error is l.err.
	for l.done < own && l.err == nil {
		l.written.Wait()
	}
	return l.err
}

// flush writes what is buffered.
func (l *link) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.drive()
}

// ping asks the client for a sign of life.
func (l *link) ping() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.add(func(put []byte) ([]byte, error) { return append(put, final|byte(opPing), 0), nil })
	if err != nil {
		return err
	}
	return l.drive()
}

// close sends a close frame, and returns when it is written, or cannot be. What is buffered is written before it.
func (l *link) close(code CloseCode, reason string) {
	l.leave()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.add(func(put []byte) ([]byte, error) { return appendClose(put, code, reason), nil }) != nil {
		return
	}
	l.closed = true
	_ = l.drive() // Who has left does not hear it.
	for l.writing {
		l.written.Wait()
	}
}

// add buffers a frame once there is room for it.
func (l *link) add(something func([]byte) ([]byte, error)) error {
	for l.writing && l.pending.Full() {
		l.written.Wait()
	}
	if l.err != nil {
		return l.err
	}
	if l.closed {
		return net.ErrClosed
	}
	longer, err := something(l.pending.Extend(eventFrame))
	if err == nil {
		l.pending.Set(longer)
	}
	return err
}

// drive writes all that is buffered. If another goroutine is already writing, that one writes this as well.
func (l *link) drive() error {
	if l.writing {
		return l.err
	}
	l.writing = true
	for len(l.pending.Bytes()) > 0 && l.err == nil {
		out := l.pending
		l.pending = stream.Buffer{}
		l.taken++
		l.err = l.write(out.Bytes())
		l.done++
		out.Release()
		l.written.Broadcast()
	}
	l.writing = false
	l.written.Broadcast()
	return l.err
}

// write lets others buffer frames meanwhile.
func (l *link) write(out []byte) error {
	l.mu.Unlock()
	defer l.mu.Lock()
	l.awaitWrite()
	_, err := l.Conn.Write(out)
	return err
}

func (l *link) awaitClient() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	now := time.Now()
	until := now.Add(silence)
	if due := l.began.Add(l.allowed()); !l.began.IsZero() && due.Before(until) {
		until = due
	}
	if !l.leaving && (until.Sub(l.readUntil) >= time.Second || until.Before(l.readUntil)) {
		l.readUntil = until
		_ = l.SetReadDeadline(until)
	}
}

// allowed is how long what has come of a message may have taken. It is called with deadlines held.
func (l *link) allowed() time.Duration {
	return messageTime + time.Duration(l.came/messagePace)*time.Second
}

// messageBegins starts the clock of a message: one that drips cannot hold its memory for ever.
func (l *link) messageBegins() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	l.began, l.came = time.Now(), 0
}

func (l *link) messageGrows(n int) {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	l.came += n
}

// messageEnds lets the client be silent again.
func (l *link) messageEnds() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	l.began = time.Time{}
}

// messageLate reports whether an error is that a message has taken longer than it may.
func (l *link) messageLate(err error) (within time.Duration, late bool) {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	return l.allowed(), errors.Is(err, os.ErrDeadlineExceeded) && !l.leaving && !time.Now().Before(l.began.Add(l.allowed()))
}

func (l *link) awaitWrite() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	if now := time.Now(); !l.leaving && l.writeTill.Sub(now) < writeTimeout-time.Second {
		l.writeTill = now.Add(writeTimeout)
		_ = l.SetWriteDeadline(l.writeTill)
	}
}

// leave lets nothing take longer than closeTimeout from now on, not even a write under way.
func (l *link) leave() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	if !l.leaving {
		l.leaving = true
		_ = l.SetDeadline(time.Now().Add(closeTimeout))
	}
}

// quietFor is how long nothing has come from the client.
func (l *link) quietFor() time.Duration {
	return time.Since(l.opened) - time.Duration(l.heard.Load())
}

func appendClose(dst []byte, code CloseCode, reason string) []byte {
	for len(reason) > maxControl-2 || !utf8.ValidString(reason) {
		reason = reason[:min(len(reason)-1, maxControl-2)]
	}
	dst = append(dst, final|byte(opClose), byte(2+len(reason)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}
