package match

import (
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// askedAtOnce is the number of events that expressions are evaluated for at once. A filter that is added meanwhile has no results for them.
	askedAtOnce = 64
	// tenantTime is what the expressions of a tenant may take until Done, compiling them and reading the payload included.
	tenantTime = 5 * time.Millisecond
)

// CostlyFor is how long an owner evaluates its expressions by itself after one was Slow.
const CostlyFor = time.Minute

// Result is what is known of a filter's expression and an event.
type Result uint8

// The results. Only Selected and Passed are final: for all others the owner evaluates the expression by itself, where nobody waits for it.
const (
	// Unasked: the filter was added after Ask, or left to its owner then.
	Unasked Result = iota
	Selected
	Passed
	// Slow: the expression takes too long for a goroutine that serves many.
	Slow
	// Spent: the expressions of the tenant have taken too long together.
	Spent
)

// Answer is a result, and why the expression failed; nil when it did not.
type Answer struct {
	Result Result
	Err    error
}

// question is an expression and the event of that number among those asked about.
type question struct {
	event      int
	expression *filter.Expression
}

type slowExpression struct {
	tenant     gateway.TenantID
	expression *filter.Expression
}

// Ask evaluates the expressions of the filters whose patterns select the first few events, and returns these events: all where no filter
// has an expression. The lock is held to find the filters, and not while expressions are evaluated.
func (x *Index[T]) Ask(events []*gateway.Event) (asked []*gateway.Event) {
	clear(x.answers)
	asked = x.collect(events)
	var subject *filter.Subject
	for _, q := range x.questions {
		// One at a time: what was read of a large payload is kept only while somebody has the subject.
		if event := asked[q.event]; subject == nil || subject.Event() != event {
			subject = x.filters.Subject(event)
		}
		x.answers[q] = x.evaluate(q.expression, subject)
	}
	clear(x.questions)
	x.questions = x.questions[:0]
	return asked
}

// collect finds what to ask.
func (x *Index[T]) collect(events []*gateway.Event) (asked []*gateway.Event) {
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.asking == 0 {
		return events
	}
	asked = events[:min(len(events), askedAtOnce)]
	for i, event := range asked {
		for _, e := range x.Find(event) {
			q := question{i, e.expression}
			if _, known := x.answers[q]; known || e.expression == nil || x.left(e.Owner) {
				continue
			}
			x.answers[q] = Answer{}
			x.questions = append(x.questions, q)
		}
	}
	return asked
}

func (x *Index[T]) evaluate(expression *filter.Expression, subject *filter.Subject) Answer {
	key := slowExpression{subject.Event().Tenant, expression}
	switch {
	case x.slow[key]:
		return Answer{Result: Slow}
	case x.spent[key.tenant] > tenantTime:
		return Answer{Result: Spent}
	}
	began := time.Now()
	verdict, ok := expression.Quick(subject)
	x.spent[key.tenant] += time.Since(began)
	switch {
	case !ok:
		x.slow[key] = true
		return Answer{Result: Slow}
	case verdict.Matched:
		return Answer{Result: Selected}
	default:
		return Answer{Result: Passed, Err: verdict.Err}
	}
}

// Answer returns what the filter's expression said of the event of that number among those that Ask returned.
func (x *Index[T]) Answer(event int, e *Entry[T]) Answer {
	if e.expression == nil {
		return Answer{Result: Selected}
	}
	return x.answers[question{event, e.expression}]
}

// Done ends a batch: each tenant has its time again.
func (x *Index[T]) Done() {
	clear(x.answers)
	clear(x.spent)
	clear(x.slow)
}
