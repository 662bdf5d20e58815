package deliver

import (
	"sync"
	"time"
)

const (
	// crewIdle is how long a goroutine of the crew waits for its next attempt.
	crewIdle = 5 * time.Second
	// startedAtOnce is how many attempts of those in line are started before others go first, for startPause.
	startedAtOnce = 16
	startPause    = time.Millisecond
	// liveliness is how long after its endpoint has taken an event a lane's attempts need not stand in line.
	liveliness = 100 * time.Millisecond
)

// crew runs attempts on goroutines that are used again: a fresh one grows its stack anew under every HTTP request, which
// was 6 % of the CPU of a delivery. When no goroutine is free, one more comes.
type crew struct {
	free chan *attempt
	// done is closed when no attempt will come any more.
	done <-chan struct{}

	// line holds attempts in the order in which they came. wake is sent to when there are some.
	mu   sync.Mutex
	line []*attempt
	wake chan struct{}
}

func newCrew(done <-chan struct{}) *crew {
	return &crew{free: make(chan *attempt), done: done, wake: make(chan struct{}, 1)}
}

// start begins an attempt now.
func (c *crew) start(a *attempt) {
	select {
	case c.free <- a:
	default:
		go c.work(a)
	}
}

// startInTurn begins an attempt after those that came before it in this way, a few at a time. An event that goes to a thousand
// endpoints, alive or dead, begins a thousand attempts in one moment, which would stand together before each step of everybody else.
func (c *crew) startInTurn(a *attempt) {
	c.mu.Lock()
	c.line = append(c.line, a)
	c.mu.Unlock()
	signal(c.wake)
}

// run starts those in line. After done, the last ones end as soon as they are started.
func (c *crew) run() {
	started := 0
	for ended := false; !ended; {
		select {
		case <-c.wake:
		case <-c.done:
			ended = true
		}
		for _, a := range c.takeLine() {
			c.start(a)
			if started++; started%startedAtOnce == 0 {
				c.pause()
			}
		}
	}
}

func (c *crew) pause() {
	select {
	case <-time.After(startPause):
	case <-c.done:
	}
}

func (c *crew) takeLine() []*attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.line
	c.line = nil
	return taken
}

func (c *crew) work(a *attempt) {
	idle := time.NewTimer(crewIdle)
	defer idle.Stop()
	for {
		a.run()
		idle.Reset(crewIdle)
		select {
		case a = <-c.free:
		case <-idle.C:
			return
		case <-c.done:
			return
		}
	}
}
