package websocket

import "time"

// pace limits the number of frames that a client may send in a second, by pausing reads. It is for one goroutine.
type pace struct {
	// shared returns how long frames must wait because of other connections. It may be nil.
	shared func(frames int) time.Duration
	// each is the time that one frame uses up.
	each time.Duration
	// free is when a client that sends at the full rate may send again. At most a second is saved up.
	free time.Time
}

// mostShared bounds a wait for other connections, because a connection that has ended still waits to its end.
const mostShared = 5 * time.Second

func newPace(rate int, shared func(frames int) time.Duration) *pace {
	if rate <= 0 {
		return &pace{shared: shared}
	}
	return &pace{shared: shared, each: time.Second / time.Duration(rate)}
}

// keep waits until a number of further frames is allowed.
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

// take returns how long a number of frames must wait.
func (p *pace) take(now time.Time, frames int) time.Duration {
	if saved := now.Add(-time.Second); p.free.Before(saved) {
		p.free = saved
	}
	p.free = p.free.Add(time.Duration(frames) * p.each)
	return p.free.Sub(now)
}
