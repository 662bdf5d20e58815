package gateway

import "time"

// The time of a process has two readings. The wall clock is stored and shown, and may be set. The monotonic clock shows how
// much time has passed, but stops while the machine sleeps. Times from the store have only the wall clock. A wait ends as
// soon as one of the two clocks says so.

// Left returns the time until an end: the lesser one by the two clocks.
func Left(end, now time.Time) time.Duration {
	return min(end.Sub(now), end.Round(0).Sub(now.Round(0)))
}

// Over reports whether an end has come by one of the clocks.
func Over(end, now time.Time) bool { return Left(end, now) <= 0 }

// Rebase returns now plus the time that is left until an end, so that both clocks agree on it; the zero time stays zero.
func Rebase(end, now time.Time) time.Time {
	if end.IsZero() {
		return end
	}
	return now.Add(max(Left(end, now), 0))
}
