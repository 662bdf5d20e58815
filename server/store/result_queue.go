package store

import "github.com/postrider-dev/postrider/server/gateway"

const (
	// maxGroupResults bounds the results of one commit, because publishers wait for the commit.
	maxGroupResults = 1024
	// maxMixedResults is the bound for a group with both kinds of results, which have to be merged.
	maxMixedResults = 256
	// inOrderEvery means that one in inOrderEvery such groups takes the results in the order in which they came. So failures
	// make progress, however many deliveries succeed.
	inOrderEvery = 4
)

// resultQueue holds results until they are committed. Results of successful deliveries go before the others. When a thousand
// endpoints die, their failures are queued in one moment; without this rule the slots of working endpoints would be released
// only after all of them.
//
// An entry may rely on every earlier entry of its subscription. An entry that moves the mark may rely on all earlier
// entries. So a successful delivery never overtakes another entry of its subscription, and one of the other entries is taken
// only after all successful deliveries that came before it.
type resultQueue struct {
	delivered, others []Result
	// waiting counts the entries in others by subscription.
	waiting map[gateway.SubscriptionID]int
	// pushed numbers the entries. groups counts the groups that had both kinds.
	pushed, groups uint64
}

func (q *resultQueue) len() int { return len(q.delivered) + len(q.others) }

func (q *resultQueue) push(results []Result) {
	for _, r := range results {
		q.pushed++
		r.number = q.pushed
		id := r.subscription()
		if r.overtakes = r.delivers() && q.waiting[id] == 0; r.overtakes {
			q.delivered = append(q.delivered, r)
			continue
		}
		if q.waiting == nil {
			q.waiting = map[gateway.SubscriptionID]int{}
		}
		q.waiting[id]++
		q.others = append(q.others, r)
	}
}

// next returns the entries of the next group, which stay in the queue until drop. The caller may commit and drop only the
// first n of them.
func (q *resultQueue) next() []Result {
	switch {
	case len(q.others) == 0:
		return first(q.delivered, maxGroupResults)
	case len(q.delivered) == 0:
		return first(q.others, maxGroupResults)
	}
	q.groups++
	inOrder := q.groups%inOrderEvery == 0
	group := make([]Result, 0, min(q.len(), maxMixedResults))
	delivered, others := q.delivered, q.others
	for len(group) < cap(group) {
		if len(others) == 0 || len(delivered) > 0 && (!inOrder || delivered[0].number < others[0].number) {
			group, delivered = append(group, delivered[0]), delivered[1:]
		} else {
			group, others = append(group, others[0]), others[1:]
		}
	}
	return group
}

// drop removes committed entries, which are the first of a group.
func (q *resultQueue) drop(committed []Result) {
	delivered := 0
	for i := range committed {
		if committed[i].overtakes {
			delivered++
			continue
		}
		id := committed[i].subscription()
		if q.waiting[id]--; q.waiting[id] == 0 {
			delete(q.waiting, id)
		}
	}
	q.delivered = without(q.delivered, delivered)
	q.others = without(q.others, len(committed)-delivered)
}

// first returns the first n results, or all if there are fewer.
func first(results []Result, n int) []Result {
	n = min(n, len(results))
	return results[:n:n]
}

// without returns the results after the first n, and releases the memory of those.
func without(results []Result, n int) []Result {
	clear(results[:n])
	if n == len(results) {
		return nil
	}
	return results[n:]
}
