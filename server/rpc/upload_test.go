package rpc_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// upload is a large publish whose client asks before it sends.
type upload struct {
	conn   net.Conn
	reader *bufio.Reader
}

const uploadBytes = 8 << 20

// beginUpload announces a body and waits for the word to send it. Otherwise it returns what is answered.
func (w *world) beginUpload() (upload, *http.Response) {
	w.t.Helper()
	conn, err := new(net.Dialer).DialContext(soon(w.t), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", publishPath, adminKey, uploadBytes)
	u := upload{conn, bufio.NewReader(conn)}
	response, err := http.ReadResponse(u.reader, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if response.StatusCode == http.StatusContinue {
		return u, nil
	}
	return u, response
}

// finish sends the body, and returns what is answered.
func (u upload) finish(t *testing.T) int {
	t.Helper()
	body := event(`{}`)
	_, failed := io.WriteString(u.conn, body+strings.Repeat(" ", uploadBytes-len(body)))
	response, err := http.ReadResponse(u.reader, nil)
	if err = errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// Of four slow uploads of one key two were cut after half a minute. Now they are told before they send anything, and those that are
// told to send come through.
func TestAnUploadThatDoesNotFitIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var under []upload
	refused := 0
	for range 4 {
		u, response := w.beginUpload()
		if response == nil {
			under = append(under, u)
			continue
		}
		refused++
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" ||
			!strings.Contains(string(text), "OVERLOADED") {
			t.Errorf("refused with %d %v %s", response.StatusCode, response.Header, text)
		}
	}
	if len(under) == 0 || refused == 0 {
		t.Errorf("%d of 4 uploads are refused, want some", refused)
	}
	for _, u := range under {
		if status := u.finish(t); status != http.StatusOK {
			t.Errorf("an upload that was let in is answered %d", status)
		}
	}
	if _, response := w.beginUpload(); response != nil {
		t.Errorf("after the others are done an upload is answered %d", response.StatusCode)
	}
}
