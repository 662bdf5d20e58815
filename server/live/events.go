package live

import (
	"crypto/rand"
	"strings"
	"time"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
)

// idPrefix begins the id of a stream of events. The rest cannot be guessed: a caller who has it and may read the tenant's events
// can keep the stream open.
const idPrefix = "str_"

// events is what is listed of a stream that carries events.
type events struct {
	*stream.Entry
	tenant    *gateway.Tenant
	transport postriderv1.LiveStream_Transport
	// number counts the streams of events as they are opened.
	number   int64
	openTime time.Time
	// filters are what it carries; one without a name, unless it asked for several. Registry.mu guards them.
	filters []*postriderv1.NamedFilter
	policy  postriderv1.SlowPolicy
}

// List adds a stream to the list of those that carry events, and returns its entry.
func (r *Registry) List(
	opened *Stream, tenant *gateway.Tenant, transport postriderv1.LiveStream_Transport, request *postriderv1.SubscribeRequest,
) *stream.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened++
	opened.events = &events{
		Entry: &stream.Entry{
			ID: idPrefix + strings.ToLower(rand.Text()), Expires: opened.caller.Ends(), Caller: opened.caller.Proof().String(),
		},
		tenant: tenant, transport: transport, number: r.opened, openTime: time.Now(),
		filters: filtersOf(request), policy: slowPolicy(request),
	}
	r.listed[opened.events.ID] = opened
	return opened.events.Entry
}

// Relist records what a stream carries after its filters were changed.
func (r *Registry) Relist(id string, request *postriderv1.SubscribeRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if opened := r.listed[id]; opened != nil {
		opened.events.filters = filtersOf(request)
	}
}

func filtersOf(request *postriderv1.SubscribeRequest) []*postriderv1.NamedFilter {
	if filters := request.GetFilters(); len(filters) > 0 {
		return filters
	}
	return []*postriderv1.NamedFilter{{Types: request.GetTypes(), Expression: request.GetExpression()}}
}

func slowPolicy(request *postriderv1.SubscribeRequest) postriderv1.SlowPolicy {
	if policy := request.GetSlowPolicy(); policy != postriderv1.SlowPolicy_SLOW_POLICY_UNSPECIFIED {
		return policy
	}
	return postriderv1.SlowPolicy_SLOW_POLICY_CATCH_UP
}

// View is a stream of events as it is at one moment.
type View struct {
	*stream.Entry
	Tenant    *gateway.Tenant
	Transport postriderv1.LiveStream_Transport
	// Number is greater for streams that were opened later.
	Number     int64
	OpenTime   time.Time
	Filters    []*postriderv1.NamedFilter
	SlowPolicy postriderv1.SlowPolicy
	Caller     access.Caller
	Origin     Origin
}

// view is called with Registry.mu held.
func (s *Stream) view() View {
	e := s.events
	return View{
		Entry: e.Entry, Tenant: e.tenant, Transport: e.transport, Number: e.number, OpenTime: e.openTime,
		Filters: e.filters, SlowPolicy: e.policy, Caller: s.caller, Origin: s.from,
	}
}
