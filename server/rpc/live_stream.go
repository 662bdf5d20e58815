package rpc

import (
	"crypto/rand"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
)

// streamIDPrefix begins the id of a live stream. The rest cannot be guessed: a caller who has it and may read the tenant's events
// can keep the stream open.
const streamIDPrefix = "str_"

// liveStream is an open stream that carries events.
type liveStream struct {
	*stream.Entry
	tenant    *gateway.Tenant
	transport postriderv1.LiveStream_Transport
	// number counts the live streams as they are opened.
	number   int64
	openTime time.Time
	// carries is what it carries; one filter without a name, unless it asked for several. openStreams.mu guards it.
	carries []*postriderv1.NamedFilter
	policy  postriderv1.SlowPolicy
}

// list adds a stream to the list of live ones and returns its entry.
func (o *openStreams) list(
	opened *openStream, tenant *gateway.Tenant, transport postriderv1.LiveStream_Transport, request *postriderv1.SubscribeRequest,
) *stream.Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened++
	opened.live = &liveStream{
		Entry: &stream.Entry{
			ID: streamIDPrefix + strings.ToLower(rand.Text()), Expires: opened.caller.Ends(), Caller: opened.caller.Proof().String(),
		},
		tenant: tenant, transport: transport, number: o.opened, openTime: time.Now(),
		carries: carried(request.GetTypes(), request.GetExpression(), request.GetFilters()), policy: slowPolicy(request),
	}
	o.listed[opened.live.ID] = opened
	return opened.live.Entry
}

// carried returns the filters of a request.
func carried(types []string, expression string, filters []*postriderv1.NamedFilter) []*postriderv1.NamedFilter {
	if len(filters) > 0 {
		return filters
	}
	return []*postriderv1.NamedFilter{{Types: types, Expression: expression}}
}

func slowPolicy(request *postriderv1.SubscribeRequest) postriderv1.SlowPolicy {
	if policy := request.GetSlowPolicy(); policy != postriderv1.SlowPolicy_SLOW_POLICY_UNSPECIFIED {
		return policy
	}
	return postriderv1.SlowPolicy_SLOW_POLICY_CATCH_UP
}

// liveView is a live stream as it is at one moment.
type liveView struct {
	*liveStream
	caller  access.Caller
	from    origin
	carries []*postriderv1.NamedFilter
}

// admission is how the caller was authenticated.
func admission(c access.Caller) postriderv1.LiveStream_Admission {
	switch {
	case c.Ticket != nil:
		return postriderv1.LiveStream_ADMISSION_TICKET
	case !c.SessionEnd.IsZero():
		return postriderv1.LiveStream_ADMISSION_SESSION
	default:
		return postriderv1.LiveStream_ADMISSION_KEY
	}
}

// lag is the number of events that the stream has not processed yet, given the head of the log.
func (v liveView) lag(head gateway.Position) int64 {
	if v.Idle() {
		return 0
	}
	return max(0, int64(head-v.Reached()))
}

// show shows the stream against the log as it is now.
func (v liveView) show(log *store.Store) *postriderv1.LiveStream {
	reached := v.Reached()
	shown := &postriderv1.LiveStream{
		Id: v.ID, Tenant: v.tenant.Name, Transport: v.transport,
		Admission: admission(v.caller), RemoteAddress: v.from.address, UserAgent: v.from.userAgent,
		Filters: v.carries, SlowPolicy: v.policy,
		Cursor: log.Cursor(reached).String(), Lag: v.lag(log.Head()),
		Live: v.Live(), Sent: v.Sent(), Dropped: v.Dropped(), OpenTime: timestamppb.New(v.openTime),
	}
	if v.caller.KeyID != access.AdminKeyID {
		shown.ApiKeyId, shown.ApiKeyName = v.caller.KeyID, v.caller.KeyName
	}
	if ends := v.caller.Ends(); !ends.IsZero() {
		shown.ExpireTime = timestamppb.New(ends)
	}
	return shown
}

// view is called with openStreams.mu held.
func (opened *openStream) view() liveView {
	return liveView{opened.live, opened.caller, opened.from, opened.live.carries}
}
