package nats

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	"github.com/postrider-dev/postrider/client/signature"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// HeaderCursor carries the event's place in the log.
const HeaderCursor = "Postrider-Cursor"

const contentType = "application/json"

// Nats is one subject. It is safe for concurrent use.
type Nats struct {
	link            *link
	subject, stream string
	signer          *signature.Signer
	form            *gateway.RequestForm
	timeout         time.Duration
}

var _ target.Batcher = (*Nats)(nil)

// Close ends the connection.
func (n *Nats) Close() { n.link.close() }

// Send publishes the event and waits for its acknowledgement.
func (n *Nats) Send(ctx context.Context, m *target.Message, at time.Time) gateway.Outcome {
	return n.SendBatch(ctx, []target.Item{{Message: m, At: at}})[0]
}

// SendBatch publishes the events in their order over one connection, so that the stream has them in this order, and waits
// for all acknowledgements.
func (n *Nats) SendBatch(ctx context.Context, items []target.Item) []gateway.Outcome {
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	attempts := make([]attempt, len(items))
	outcomes := make([]gateway.Outcome, len(items))
	c, isNew, err := n.link.use(bounded)
	if err == nil {
		defer n.link.done()
		n.publish(bounded, c, items, attempts)
	}
	for i := range items {
		if err != nil {
			attempts[i].err = err
		} else {
			attempts[i].wait(bounded, c)
		}
		outcomes[i] = n.outcome(ctx, c, &attempts[i])
		outcomes[i].Timings.Total = time.Since(start)
		if isNew && i == 0 {
			cost := c.cost
			cost.FirstByte, cost.Total = outcomes[i].Timings.FirstByte, outcomes[i].Timings.Total
			outcomes[i].Timings = cost
		}
	}
	return outcomes
}

// attempt is one event of a batch under way.
type attempt struct {
	item   target.Item
	signed string
	// sent is when it was handed to the connection; zero when it was not.
	sent  time.Time
	took  time.Duration
	reply jetstream.PubAckFuture
	ack   *jetstream.PubAck
	err   error
}

// publish hands the events to the connection. A server that does not read blocks it until ctx ends, which closes the connection.
func (n *Nats) publish(ctx context.Context, c *conn, items []target.Item, attempts []attempt) {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	defer stop()
	for i, item := range items {
		a := &attempts[i]
		a.item, a.signed = item, n.signer.Sign(item.Message.ID, item.At, item.Message.Document())
		c.publishing(len(item.Message.Document()))
		a.reply, a.err = c.js.PublishMsgAsync(n.message(a), n.options(item.Message)...)
		if a.err == nil {
			a.sent = time.Now()
		}
	}
}

func (n *Nats) options(m *target.Message) []jetstream.PublishOpt {
	options := []jetstream.PublishOpt{jetstream.WithMsgID(m.ID), jetstream.WithRetryAttempts(0)}
	if n.stream != "" {
		options = append(options, jetstream.WithExpectStream(n.stream))
	}
	return options
}

// message returns what is published. formOf lists the same headers.
func (n *Nats) message(a *attempt) *natsgo.Msg {
	m := a.item.Message
	return &natsgo.Msg{
		Subject: strings.ReplaceAll(n.subject, typePlaceholder, m.Type),
		Data:    m.Document(),
		Header: natsgo.Header{
			signature.HeaderID:        {m.ID},
			signature.HeaderTimestamp: {strconv.FormatInt(a.item.At.Unix(), 10)},
			signature.HeaderSignature: {a.signed},
			HeaderCursor:              {m.Cursor},
			"Content-Type":            {contentType},
		},
	}
}

// wait waits for the acknowledgement.
func (a *attempt) wait(ctx context.Context, c *conn) {
	if a.err != nil {
		return
	}
	select {
	case a.ack = <-a.reply.Ok():
	case a.err = <-a.reply.Err():
	case <-c.ended:
		a.err = errEnded
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	a.took = time.Since(a.sent)
}

// formOf is what is kept of the requests: no credentials are part of a message.
func formOf(config *targetv1.Nats) (*gateway.RequestForm, error) {
	headers := []gateway.RequestHeader{
		{Name: "Content-Type", Value: contentType},
		{Name: jetstream.MsgIDHeader, Fill: gateway.FillEventID},
		{Name: HeaderCursor, Fill: gateway.FillCursor},
		{Name: signature.HeaderID, Fill: gateway.FillEventID},
		{Name: signature.HeaderTimestamp, Fill: gateway.FillTimestamp},
		{Name: signature.HeaderSignature, Fill: gateway.FillSignature},
	}
	if config.GetStream() != "" {
		headers = append(headers, gateway.RequestHeader{Name: jetstream.ExpectedStreamHeader, Value: config.GetStream()})
	}
	slices.SortFunc(headers, func(a, b gateway.RequestHeader) int { return cmp.Compare(a.Name, b.Name) })
	address := strings.TrimSuffix(config.GetUrls()[0], "/") + "/" + config.GetSubject()
	return gateway.NewRequestForm("PUB", address, headers)
}
