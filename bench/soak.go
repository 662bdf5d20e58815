package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The load of a soak, and the requirements at the default memory.
const (
	soakRate     = 400
	soakWebhooks = 3
	soakStreams  = 20
	soakMemory   = 256
	mostSoakedMB = 200
	// flatMB is the allowed growth of memory once tail and caches are full.
	flatMB = 24
)

// soak publishes to webhooks and live streams for ten minutes, and fails unless memory stays flat after the first two. A
// short run sends, in a minute, as many events as fill tail and caches, and half as many again.
func (b *bench) soak() error {
	d, rate, filled := 10*time.Minute, soakRate, 2*time.Minute
	if b.short {
		d, rate, filled = time.Minute, 3*soakRate, 40*time.Second
	}
	_ = os.Setenv(memoryVariable, strconv.Itoa(soakMemory))
	return b.withServer(func(server, sink *process) error {
		for i := range soakWebhooks {
			if _, err := subscribe(server, sink, fmt.Sprintf("soak-%d", i), "now"); err != nil {
				return err
			}
		}
		readers, err := listen(liveTransports[0], server.address, "now", soakStreams, nil)
		if err != nil {
			return err
		}
		defer readers.close()
		published := make(chan error, 1)
		go func() { published <- openLoop(server.address, rate, d) }()
		return watchMemory(server, filled, published)
	})
}

// watchMemory prints the memory of the server while events are published, and compares it with the memory when tail and
// caches were full.
func watchMemory(server *process, filled time.Duration, published <-chan error) error {
	every := time.NewTicker(filled / 40)
	defer every.Stop()
	began, early, most := time.Now(), 0, 0
	for {
		select {
		case err := <-published:
			if err == nil && (most > mostSoakedMB || most > early+flatMB) {
				err = fmt.Errorf("memory went from %d MB when its caches were full to %d MB; at most %d MB more and %d MB are allowed", early, most, flatMB, mostSoakedMB)
			}
			return err
		case <-every.C:
			now, err := server.anonymousMB()
			if err != nil {
				return err
			}
			passed := time.Since(began)
			fmt.Printf("%s %d MB\n", passed.Round(time.Second), now)
			if most = max(most, now); passed < filled {
				early = most
			}
		}
	}
}

// anonymousMB returns the memory of the process that is not a copy of files.
func (p *process) anonymousMB() (int, error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(status), "RssAnon:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("the kernel does not tell what is in memory")
	}
	kB, err := strconv.Atoi(fields[0])
	return kB / 1024, err
}
