package websocket

import "time"

// pace keeps a client from sending more than a number of frames a second, by not reading on. It is for one goroutine.
type pace struct {
	// shared says how long frames wait for those of other connections; nil for not at all.
	shared func(frames int) time.Duration
	// each is the time that a frame takes up.
	each time.Duration
	// free is when a client that made full use of its pace may send again; it saves up for a second at most.
	free time.Time
}

// mostShared bounds a wait for other connections, for a connection that has ended waits to its end.
const mostShared = 5 * time.Second

func newPace(rate int, shared func(frames int) time.Duration) *pace {
	if rate <= 0 {
		return &pace{shared: shared}
	}
	return &pace{shared: shared, each: time.Second / time.Duration(rate)}
}

// keep waits until a number of frames more may come.
func (p *pace) keep(frames int) {
	if frames == 0 {
		return
	}
	if p.each > 0 {
		time.Sleep(p.take(time.Now(), frames))
	}
	if p.shared != nil {
		time.Sleep(min(p.shared(frames), mostShared))
	}
}

// take returns how long a number of frames have to wait.
func (p *pace) take(now time.Time, frames int) time.Duration {
	if saved := now.Add(-time.Second); p.free.Before(saved) {
		p.free = saved
	}
	p.free = p.free.Add(time.Duration(frames) * p.each)
	return p.free.Sub(now)
}
