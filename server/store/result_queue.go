package store

import "github.com/postrider-dev/postrider/server/gateway"

const (
	// maxGroupResults bounds the results of one commit: publishers wait for it meanwhile.
	maxGroupResults = 1024
	// maxMixedResults is the same where both kinds of results wait, so that they have to be put in order.
	maxMixedResults = 256
	// inOrderEvery is how often such a group has the results in the order in which they came: whatever is delivered, the others get on.
	inOrderEvery = 4
)

// resultQueue holds results until they are committed. Those of deliveries that were made go before the others: when a thousand endpoints
// die their failures are queued in one moment, and the slots of the endpoints that work would come back only after them.
//
// An entry may rely on each that came before it of its subscription, and one that moves the mark on each that came before it at all. So no
// delivery overtakes another entry of its subscription, and of the others none is taken unless all deliveries that came before it are.
type resultQueue struct {
	delivered, others []Result
	// waiting counts the others of each subscription.
	waiting map[gateway.SubscriptionID]int
	// pushed numbers the entries, groups counts those with both kinds.
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

// next returns the entries of the next group, which stay in the queue. Any number of the first may be committed and dropped.
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

// drop removes entries that are committed, the first of a group.
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

// first returns at most the first n of results.
func first(results []Result, n int) []Result {
	n = min(n, len(results))
	return results[:n:n]
}

// without returns results but for the first n, whose memory is let go.
func without(results []Result, n int) []Result {
	clear(results[:n])
	if n == len(results) {
		return nil
	}
	return results[n:]
}
