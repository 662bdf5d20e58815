package deliver

import "time"

// alarm calls a lane at the earliest of the times it was set to.
type alarm struct {
	timer *time.Timer
	// at is the time of the next call; zero for none.
	at time.Time
}

// set makes the alarm call at a time, or earlier where it was set to earlier. The zero time changes nothing.
func (a *alarm) set(at, now time.Time, call func()) {
	if at.IsZero() || !a.at.IsZero() && !at.Before(a.at) {
		return
	}
	a.at = at
	in := max(at.Sub(now), 0)
	if a.timer == nil {
		a.timer = time.AfterFunc(in, call)
		return
	}
	a.timer.Reset(in)
}

// rang forgets the time that was set: the call has come, or the clock has changed what the time means.
func (a *alarm) rang() { a.at = time.Time{} }

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
