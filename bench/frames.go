package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// coalesced is the number of ready-made frames that the limit of live fan-out writes at once.
const coalesced = 64

// marker occurs once in every measured event, so that readers count events without parsing them.
const marker = "~#~!"

// liveData is the payload of the live rows.
const liveData = `{"m":"` + marker + `","orderId":"0123456789","customer":"c-0123456789","total":129900,"currency":"EUR","note":"` +
	`a payload of about three hundred bytes, as a small business event has, with an address and a few lines of text in it` + `"}`

// frame is one event as a server-sent event.
const frame = "id: 04000uk5k3gt196o0g0000000000008\ndata: " + `{"id":"evt_06gvthgm87prktrvnp01p38u0o","type":"` + untypedType +
	`","source":"postrider","time":"2026-01-01T12:00:00.123456789Z","data":` + liveData +
	`,"cursor":"04000uk5k3gt196o0g0000000000008","acceptTime":"2026-01-01T12:00:00.123456Z","tenant":"default"}` + "\n\n"

// framesMain is the limit of live fan-out as a process of its own: bench frames ADDRESS CLIENTS PACE. It is a bare handler
// that writes ready-made frames to each client once all clients are connected, PACE frames a second. With a PACE of 0 it
// writes many at a time, as fast as the client reads.
func framesMain(address, clients, perSecond string) int {
	n, err := strconv.Atoi(clients)
	rate, wrong := strconv.Atoi(perSecond)
	if err = errors.Join(err, wrong); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var missing sync.WaitGroup
	missing.Add(n)
	next, ready := func() {}, bytes.Repeat([]byte(frame), coalesced)
	if rate > 0 {
		next, ready = newBeat(time.Second/time.Duration(rate)).wait, []byte(frame)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+livePath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		controller := http.NewResponseController(w)
		_ = controller.Flush()
		missing.Done()
		missing.Wait()
		for r.Context().Err() == nil {
			next()
			if _, err := w.Write(ready); err != nil {
				return
			}
			_ = controller.Flush()
		}
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// beat wakes all waiting goroutines together, at every tick.
type beat struct {
	mu   sync.Mutex
	next chan struct{}
}

func newBeat(every time.Duration) *beat {
	b := &beat{next: make(chan struct{})}
	go func() {
		for range time.Tick(every) {
			b.mu.Lock()
			close(b.next)
			b.next = make(chan struct{})
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *beat) wait() {
	b.mu.Lock()
	next := b.next
	b.mu.Unlock()
	<-next
}
