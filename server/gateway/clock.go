package gateway

import "time"

// The time of this process has two readings: the wall clock, which is stored and shown, and which somebody may set; and the
// monotonic clock, which knows how much time has passed, but stands still while the machine sleeps. What is read from the
// store has only the first. Nothing lasts longer than the clock says that says less.

// Left returns how long it is to an end, by the clock that says less.
func Left(end, now time.Time) time.Duration {
	return min(end.Sub(now), end.Round(0).Sub(now.Round(0)))
}

// Over reports whether an end has come by one of the clocks.
func Over(end, now time.Time) bool { return Left(end, now) <= 0 }

// Rebase returns an end as both clocks have it now; the zero time stays.
func Rebase(end, now time.Time) time.Time {
	if end.IsZero() {
		return end
	}
	return now.Add(max(Left(end, now), 0))
}
