package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/wire"
)

// PublishStreamPath is the path of PublishStream, whose clients may be silent for any time.
const PublishStreamPath = postriderv1connect.EventServicePublishStreamProcedure

// maxSummaryErrors bounds the refusals in the summary.
const maxSummaryErrors = 100

// PublishStream stores what has arrived while the commit before was made with the next one: the faster events come, the
// more of them share a commit, and the log has them in the order of the stream.
func (s *eventService) PublishStream(
	ctx context.Context, stream *connect.BidiStream[postriderv1.PublishStreamRequest, postriderv1.PublishStreamResponse],
) error {
	p := &publishStream{service: s, conn: stream.Conn(), inbox: newPublishInbox(limit.CallOf(ctx))}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// It ends with the stream: receiving fails once the handler has returned.
	go p.receive(ctx)
	for {
		batch, err := p.inbox.take(ctx, s.stopping)
		if errors.Is(err, io.EOF) {
			return p.summarize()
		}
		if err != nil {
			return err
		}
		err = p.store(ctx, batch)
		p.inbox.release(batch)
		if err != nil {
			return err
		}
	}
}

// publishStream is one call of PublishStream. One goroutine receives and checks, the other one stores and acknowledges.
type publishStream struct {
	service *eventService
	conn    connect.StreamingHandlerConn
	inbox   *publishInbox

	// tenant is known from the first request on; the receiver's.
	tenant *gateway.Tenant

	// next is the index of the next request to be answered; this one and summary are the storing side's.
	next    int64
	summary postriderv1.PublishStreamSummary
}

// receive puts requests into the inbox until the client closes its side, or something fails.
func (p *publishStream) receive(ctx context.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			p.inbox.close(fmt.Errorf("panic in %s: %v\n%s", PublishStreamPath, cause, debug.Stack()))
		}
	}()
	for {
		request := &postriderv1.PublishStreamRequest{}
		prepared, err := p.prepare(ctx, request, p.conn.Receive(request))
		if err != nil {
			p.inbox.close(err)
			return
		}
		if err := p.inbox.put(ctx, prepared); err != nil {
			p.inbox.close(err)
			return
		}
	}
}

// prepare checks the event of a request; received is the error of parsing it. An error ends the stream.
func (p *publishStream) prepare(
	ctx context.Context, request *postriderv1.PublishStreamRequest, received error,
) (publish.Prepared, error) {
	var refused *gateway.Error
	if received != nil && !errors.As(received, &refused) {
		return publish.Prepared{}, received
	}
	if p.tenant == nil && refused != nil && request.GetEvent() == nil {
		return publish.Prepared{}, refused // Which tenant the events are for cannot be told.
	}
	if err := p.resolve(ctx, request.GetTenant()); err != nil && !errors.As(err, &refused) {
		return publish.Prepared{}, err
	}
	if p.tenant == nil {
		return publish.Prepared{}, refused
	}
	id := request.GetEvent().GetId()
	if refused != nil {
		return publish.Refused(id, refused), nil
	}
	draft, err := wire.NewDraft(request.GetEvent())
	if errors.As(err, &refused) {
		return publish.Refused(id, refused), nil
	}
	if err != nil {
		return publish.Prepared{}, err
	}
	return p.service.publisher.Prepare(ctx, p.tenant, draft)
}

// resolve determines the stream's tenant from the first request, and reloads its settings for each later one.
func (p *publishStream) resolve(ctx context.Context, name string) error {
	if p.tenant != nil {
		if name != "" && name != p.tenant.Name {
			return gateway.FieldError("tenant", "is that of the first request, %q", p.tenant.Name)
		}
		name = p.tenant.Name
	}
	tenant, err := p.service.resolve(ctx, name)
	if err == nil {
		p.tenant = tenant
	}
	return err
}

// store stores a batch and sends the result of each event.
func (p *publishStream) store(ctx context.Context, batch []publish.Prepared) error {
	outcomes, err := p.service.publisher.PublishEach(ctx, batch)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	for _, outcome := range outcomes {
		if err := p.conn.Send(p.answer(outcome)); err != nil {
			return err
		}
		p.next++
	}
	return nil
}

func (p *publishStream) answer(outcome publish.Outcome) *postriderv1.PublishStreamResponse {
	if outcome.Refused != nil {
		p.summary.Refused++
		refusal := wire.PublishStreamError(p.next, outcome.ID, outcome.Refused)
		if len(p.summary.Errors) < maxSummaryErrors {
			p.summary.Errors = append(p.summary.Errors, refusal)
		}
		return &postriderv1.PublishStreamResponse{Message: &postriderv1.PublishStreamResponse_Error{Error: refusal}}
	}
	if outcome.Duplicate {
		p.summary.Duplicates++
	} else {
		p.summary.Stored++
	}
	p.summary.Cursor = outcome.Cursor.String()
	return wire.PublishStreamAck(p.next, outcome.Ack)
}

func (p *publishStream) summarize() error {
	return p.conn.Send(&postriderv1.PublishStreamResponse{
		Message: &postriderv1.PublishStreamResponse_Summary{Summary: &p.summary},
	})
}

// needsHTTP2 refuses clients over HTTP/1.1, which cannot send and receive at the same time.
func needsHTTP2(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor >= 2 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		wire.WriteError(w, r, logger, gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonWrongState,
			"PublishStream needs HTTP/2; over HTTP/1.1 publish with Publish or PublishBatch"))
	})
}
