package deliver

import "time"

// alarm calls a lane at the earliest time that was set.
type alarm struct {
	timer *time.Timer
	// at is the time of the next call; zero for none.
	at time.Time
}

// set makes the alarm call at a time, unless an earlier one is set. The zero time changes nothing.
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

// rang clears the time, because the call has come or the clock was set.
func (a *alarm) rang() { a.at = time.Time{} }

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
