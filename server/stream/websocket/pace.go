package websocket

import "time"

// pace keeps a client from sending more than so many messages a second, by not reading on. It is for one goroutine.
type pace struct {
	// each is the time that a message takes up.
	each time.Duration
	// free is when a client that made full use of its pace may send again; it saves up for a second at most.
	free time.Time
}

func newPace(rate int) *pace {
	if rate <= 0 {
		return &pace{}
	}
	return &pace{each: time.Second / time.Duration(rate)}
}

// keep waits until one more message may come.
func (p *pace) keep() {
	if p.each > 0 {
		time.Sleep(p.take(time.Now()))
	}
}

// take answers how long one more message has to wait.
func (p *pace) take(now time.Time) time.Duration {
	if saved := now.Add(-time.Second); p.free.Before(saved) {
		p.free = saved
	}
	p.free = p.free.Add(p.each)
	return p.free.Sub(now)
}
