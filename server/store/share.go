package store

import "time"

// Whom the writer serves. Appends go first. What waits besides, results of deliveries and changes
// (administrative ones, statistics, the writer's own upkeep), may take as much time as appends take while any wait, half of
// that each when both wait: then neither a burst of results nor a removal stands before a publisher, and no publisher
// keeps deliveries from going on. While no append waits they take what they like.
//
// Each account earns time with appends and pays for what it takes, measured. It may be overdrawn by the one step that it
// began, which it has to earn before the next.

const (
	// savedTime is how much time an account keeps for later. Where appends of one group take longer it keeps as much as that.
	savedTime = 2 * time.Millisecond
	// owedTime is how far an account may be overdrawn: one long change does not stop all others for long.
	owedTime = time.Second
)

// account is the time that one kind of work may take while appends wait.
type account struct{ balance time.Duration }

// earn adds to the account while appends are served.
func (a *account) earn(share, served time.Duration) {
	a.balance = min(a.balance+share, max(served, savedTime))
}

func (a *account) spend(took time.Duration) { a.balance = max(a.balance-took, -owedTime) }

// open reports whether a next step may begin although appends wait.
func (a *account) open() bool { return a.balance > 0 }

// shares are the accounts of what stands behind appends.
type shares struct{ results, changes account }

func newShares() shares {
	return shares{results: account{savedTime}, changes: account{savedTime}}
}

// served accounts for a time in which appends were served. An account for which nothing waits leaves its part to the other.
func (s *shares) served(took time.Duration, results, changes bool) {
	part := took
	if results && changes {
		part = took / 2
	}
	s.results.earn(part, took)
	s.changes.earn(part, took)
}
