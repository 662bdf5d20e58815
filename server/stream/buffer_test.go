package stream_test

import (
	"bytes"
	"testing"

	"github.com/postrider-dev/postrider/server/stream"
)

// Messages of all sizes stay whole and in order, beyond the size at which the buffer is to be written.
func TestABufferHoldsWhatIsAppended(t *testing.T) {
	t.Parallel()
	var buffer stream.Buffer
	var want []byte
	for i := 0; len(want) < 3*stream.WriteBytes; i++ {
		message := bytes.Repeat([]byte{byte(i)}, 1+i*i%700)
		want = append(want, message...)
		buffer.Set(append(buffer.Extend(len(message)), message...))
		if buffer.Full() != (len(want) >= stream.WriteBytes) {
			t.Fatalf("after %d bytes it is full: %t", len(want), buffer.Full())
		}
	}
	if !bytes.Equal(buffer.Bytes(), want) {
		t.Errorf("it holds %d bytes, want the %d that were appended", len(buffer.Bytes()), len(want))
	}
	buffer.Release()
	if len(buffer.Bytes()) != 0 || buffer.Full() {
		t.Error("it holds something after it was released")
	}
	if got := buffer.Extend(10); len(got) != 0 {
		t.Errorf("it begins with %d bytes of another stream", len(got))
	}
}

// The memory of a message that could not be made is given back.
func TestABufferWithoutAMessageIsReleased(t *testing.T) {
	t.Parallel()
	var buffer stream.Buffer
	_ = buffer.Extend(100)
	buffer.Release()
	buffer.Release()
	if len(buffer.Bytes()) != 0 {
		t.Error("it holds something")
	}
}
