package store

import "time"

// The writer divides its time. Appends go first. Results of deliveries, and changes (administrative changes, statistics, the
// writer's own upkeep), wait behind them. While appends wait, results and changes may take as much time as appends take,
// half of it each when both wait. So neither a burst of results nor a removal delays publishers for long, and publishers
// cannot stop deliveries. While no append waits, results and changes are not limited.
//
// Each account earns time while appends are served and spends the time that its work took. A step that has begun may
// overdraw its account; the account has to earn that time before the next step begins.

const (
	// savedTime is how much time an account keeps for later. When the appends of one group take longer, the account keeps as
	// much as they took.
	savedTime = 2 * time.Millisecond
	// owedTime bounds how far an account may be overdrawn, so that one long change does not block later ones for long.
	owedTime = time.Second
)

// account is the time that one kind of work may still take while appends wait.
type account struct{ balance time.Duration }

// earn adds to the account while appends are served.
func (a *account) earn(share, served time.Duration) {
	a.balance = min(a.balance+share, max(served, savedTime))
}

func (a *account) spend(took time.Duration) { a.balance = max(a.balance-took, -owedTime) }

// open reports whether the next step may begin although appends wait.
func (a *account) open() bool { return a.balance > 0 }

// shares holds the accounts of the work that waits behind appends.
type shares struct{ results, changes account }

func newShares() shares {
	return shares{results: account{savedTime}, changes: account{savedTime}}
}

// served credits the accounts for time in which appends were served. If only one kind of work is waiting, it gets all of the
// time.
func (s *shares) served(took time.Duration, results, changes bool) {
	part := took
	if results && changes {
		part = took / 2
	}
	s.results.earn(part, took)
	s.changes.earn(part, took)
}
