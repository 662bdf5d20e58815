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

// coalesced is how many ready-made frames the limit of live fan-out puts into one write.
const coalesced = 64

// marker is in every measured event once, so that readers count events without reading them.
const marker = "~#~!"

// liveData is the payload of the live rows.
const liveData = `{"m":"` + marker + `","orderId":"0123456789","customer":"c-0123456789","total":129900,"currency":"EUR","note":"` +
	`a payload of about three hundred bytes, as a small business event has, with an address and a few lines of text in it` + `"}`

// frame is what one event looks like as a server-sent event.
const frame = "id: 04000uk5k3gt196o0g0000000000008\ndata: " + `{"id":"evt_06gvthgm87prktrvnp01p38u0o","type":"` + untypedType +
	`","source":"postrider","time":"2026-01-01T12:00:00.123456789Z","data":` + liveData +
	`,"cursor":"04000uk5k3gt196o0g0000000000008","acceptTime":"2026-01-01T12:00:00.123456Z","tenant":"default"}` + "\n\n"

// framesMain is the limit of live fan-out as a process of its own, bench frames ADDRESS CLIENTS: a bare handler that writes
// ready-made frames to each client for as long as it reads, once all have come.
func framesMain(address, clients string) int {
	n, err := strconv.Atoi(clients)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var missing sync.WaitGroup
	missing.Add(n)
	ready := bytes.Repeat([]byte(frame), coalesced)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+livePath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		controller := http.NewResponseController(w)
		_ = controller.Flush()
		missing.Done()
		missing.Wait()
		for r.Context().Err() == nil {
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
