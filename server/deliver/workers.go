package deliver

import (
	"sync"
	"time"
)

const (
	// workerIdle is how long an idle worker waits for its next attempt before it ends.
	workerIdle = 5 * time.Second
	// startedAtOnce is the number of attempts in line that start before other goroutines go first, for startPause.
	startedAtOnce = 16
	startPause    = time.Millisecond
	// liveliness is the time after a success of its endpoint in which a lane's attempts skip the line.
	liveliness = 100 * time.Millisecond
)

// workers is a pool of goroutines that run attempts. A new goroutine has to grow its stack for its first HTTP request, which
// was 6 % of the CPU time of a delivery. When no worker is free, another one starts.
type workers struct {
	free chan *attempt
	// done is closed when no further attempt will come.
	done <-chan struct{}

	// line is the queue of attempts. A value is sent to wake when there are some.
	mu   sync.Mutex
	line []*attempt
	wake chan struct{}
}

func newWorkers(done <-chan struct{}) *workers {
	return &workers{free: make(chan *attempt), done: done, wake: make(chan struct{}, 1)}
}

// start begins an attempt now.
func (w *workers) start(a *attempt) {
	select {
	case w.free <- a:
	default:
		go w.work(a)
	}
}

// startInTurn begins an attempt after those that were queued before it, a few at a time. An event for a thousand endpoints, alive or
// dead, has a thousand attempts at once; started together they would delay every other goroutine.
func (w *workers) startInTurn(a *attempt) {
	w.mu.Lock()
	w.line = append(w.line, a)
	w.mu.Unlock()
	signal(w.wake)
}

// run starts queued attempts. After done, the remaining ones end as soon as they are started.
func (w *workers) run() {
	started := 0
	for ended := false; !ended; {
		select {
		case <-w.wake:
		case <-w.done:
			ended = true
		}
		for _, a := range w.takeLine() {
			w.start(a)
			if started++; started%startedAtOnce == 0 {
				w.pause()
			}
		}
	}
}

func (w *workers) pause() {
	select {
	case <-time.After(startPause):
	case <-w.done:
	}
}

func (w *workers) takeLine() []*attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.line
	w.line = nil
	return taken
}

func (w *workers) work(a *attempt) {
	idle := time.NewTimer(workerIdle)
	defer idle.Stop()
	for {
		a.run()
		idle.Reset(workerIdle)
		select {
		case a = <-w.free:
		case <-idle.C:
			return
		case <-w.done:
			return
		}
	}
}
