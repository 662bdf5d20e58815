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
	// writeTimeout bounds the time that one write may wait for a client that does not read.
	writeTimeout = 30 * time.Second
	// silence is the longest time in which a client may send nothing, not even pongs.
	silence = 75 * time.Second
	// messageTime is the time in which a message must arrive, plus a second for every messagePace bytes of it.
	messageTime = 20 * time.Second
	messagePace = 4 << 10
	// closeTimeout bounds the time for closing: the current write, and the client's close frame.
	closeTimeout = 2 * time.Second
)

// link is the connection below the frames. It buffers frames until they are flushed, so that all that are ready are written
// together, and it sets the deadlines. The library reads from it, and writes its control frames to it.
type link struct {
	net.Conn
	// early holds what the client sent before it had the response to its request.
	early []byte
	// frames follows the client's frames, and pace limits their rate. Only the reader uses them.
	frames frameFollower
	pace   *pace

	mu sync.Mutex
	// pending has whole frames that are not written yet.
	pending stream.Buffer
	// writing means that a goroutine is writing; it also writes what is buffered in the meantime.
	writing bool
	// written is signalled when a write has ended. taken and done count the buffers whose writing has begun and ended.
	written     sync.Cond
	taken, done int
	// closed means that a close frame is buffered or written. Nothing may follow it.
	closed bool
	// err is the reason why nothing more can be written.
	err error

	// opened is when the link was made. heard is the time from then until something last arrived from the client; it is not
	// a time of the wall clock, which may be set.
	opened time.Time
	heard  atomic.Int64

	deadlines            sync.Mutex
	leaving              bool
	readUntil, writeTill time.Time
	// began is when the current message began; zero between messages. came is the number of its bytes that have arrived.
	began time.Time
	came  int
}

// eventFrame is the room in bytes that the frame of a small event needs.
const eventFrame = 512

// newLink returns a link whose client may send rate frames a second; 0 means no limit. shared returns how long frames must
// wait because of other links.
func newLink(rate int, shared func(frames int) time.Duration) *link {
	l := &link{opened: time.Now(), pace: newPace(rate, shared)}
	l.written.L = &l.mu
	return l
}

// Read reads no faster than the client may send frames. It moves the deadline that detects clients which vanished, at most
// once a second.
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

// Write writes a control frame of the library, one whole frame at a time. After a close frame the library gives up the
// connection, so Write returns only when that frame is written.
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

// plainClose turns the echo of a close frame whose reason is not valid text into a protocol error. The library does not
// check the reason.
func plainClose(frame []byte) []byte {
	const reason = 4
	if len(frame) <= reason || utf8.Valid(frame[reason:]) {
		return frame
	}
	return appendClose(nil, CloseInvalidText, "")
}

// message buffers a data frame whose payload encode appends. If much is buffered, it is written before message returns.
// Until then the room of streams covers it (stream.Hub.Keep). So a connection holds one such buffer, and what is added while
// that is being written.
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
	_ = l.drive() // the error is kept in l.err
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

// ping asks the client to show that it is alive.
func (l *link) ping() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.add(func(put []byte) ([]byte, error) { return append(put, final|byte(opPing), 0), nil })
	if err != nil {
		return err
	}
	return l.drive()
}

// close sends a close frame, and returns when it is written or cannot be. Buffered frames are written before it.
func (l *link) close(code CloseCode, reason string) {
	l.leave()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.add(func(put []byte) ([]byte, error) { return appendClose(put, code, reason), nil }) != nil {
		return
	}
	l.closed = true
	_ = l.drive() // fails if the client has left
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

// drive writes everything that is buffered. If another goroutine is already writing, that goroutine writes this as well.
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

// allowed returns the time that the arrived part of a message may have taken. The caller holds deadlines.
func (l *link) allowed() time.Duration {
	return messageTime + time.Duration(l.came/messagePace)*time.Second
}

// messageBegins starts the clock of a message, so that a message that arrives very slowly cannot hold memory for ever.
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

// messageEnds stops the clock of the message.
func (l *link) messageEnds() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	l.began = time.Time{}
}

// messageLate reports whether an error means that a message took too long.
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

// leave bounds everything from now on by closeTimeout, including a write under way.
func (l *link) leave() {
	l.deadlines.Lock()
	defer l.deadlines.Unlock()
	if !l.leaving {
		l.leaving = true
		_ = l.SetDeadline(time.Now().Add(closeTimeout))
	}
}

// quietFor returns the time since something last arrived from the client.
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
