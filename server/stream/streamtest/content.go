package streamtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
)

// payloads are JSON objects whose text must not change.
var payloads = []string{
	`{}`,
	`{"orderId":"42","total":9007199254740993,"price":1.10,"@type":"x","b":1,"a":2}`,
	"{\n\t\"space\" : [ 1 , 2 ]\r\n}",
	`{"text":"\u0000 \" \\ \n <script> ` + "\u2028 é 💌" + `","a.b":null}`,
	`{"long":"` + strings.Repeat("x", gateway.MaxDataBytes-len(`{"long":""}`)) + `"}`,
}

func arriveIntact(c *client) {
	live := c.open(&postriderv1.SubscribeRequest{})
	var published []*gateway.Event
	for _, data := range payloads {
		like := &gateway.Event{Type: "order.created", Source: "/shop", Subject: "42", Data: []byte(data)}
		published = append(published, c.Publish(1, like)...)
	}
	stored := c.open(&postriderv1.SubscribeRequest{Start: earliest})
	for _, r := range []*reader{live, stored} {
		for _, one := range published {
			c.compare(r.loud(), one)
		}
		r.quiet()
	}
}

func (c *client) compare(message *postriderv1.SubscribeResponse, want *gateway.Event) {
	c.t.Helper()
	data, got := string(want.Data), message.GetEvent()
	if c.transport.InLines {
		data = strings.NewReplacer("\r", " ", "\n", " ").Replace(data)
	}
	if got.GetJsonData() != data {
		c.t.Errorf("payload %.100s arrives as %.200s", data, got.GetJsonData())
	}
	if got.GetId() != want.ID || got.GetType() != want.Type || got.GetSource() != want.Source || got.GetSubject() != want.Subject ||
		got.GetCursor() != message.GetCursor() || got.GetTenant() != c.Tenant.Name ||
		!got.GetTime().AsTime().Equal(want.Time) || !got.GetAcceptTime().AsTime().Equal(want.AcceptTime) {
		c.t.Errorf("event %s arrives as %.300v", want.ID, got)
	}
}

// publishOrders publishes one event of each of several types, whose data has their numbers.
func (c *client) publishOrders() (created, paid, other, closed *gateway.Event) {
	publish := func(kind, data string) *gateway.Event {
		return c.Publish(1, &gateway.Event{Type: kind, Data: []byte(data)})[0]
	}
	created, paid = publish("order.created", `{"n":1}`), publish("payment.made", `{"n":2}`)
	other, closed = publish("other", `{"n":3}`), publish("order.closed", `{"n":4}`)
	return created, paid, other, closed
}

func selectEvents(c *client) {
	byType := c.open(&postriderv1.SubscribeRequest{Types: []string{"order.*", "payment.made"}})
	byExpression := c.open(&postriderv1.SubscribeRequest{Expression: "event.data.n > 2.0"})
	byBoth := c.open(&postriderv1.SubscribeRequest{Types: []string{"order.*"}, Expression: "event.data.n > 2.0"})
	created, paid, other, closed := c.publishOrders()
	for _, tt := range []struct {
		r    *reader
		want []*gateway.Event
	}{
		{byType, []*gateway.Event{created, paid, closed}},
		{byExpression, []*gateway.Event{other, closed}},
		{byBoth, []*gateway.Event{closed}},
	} {
		tt.r.expect(tt.want...)
		tt.r.quiet()
	}
}

func nameFilters(c *client) {
	request := &postriderv1.SubscribeRequest{Filters: []*postriderv1.NamedFilter{
		{Name: "closed", Types: []string{"order.closed"}},
		{Name: "large", Expression: "event.data.n > 1.0", Types: []string{"order.closed", "payment.made"}},
		{Name: "all.orders", Types: []string{"order.*", "order.closed"}},
	}}
	live := c.open(request)
	created, paid, _, closed := c.publishOrders()
	request.Start = earliest
	for _, r := range []*reader{live, c.open(request)} {
		for _, tt := range []struct {
			event *gateway.Event
			names []string
		}{
			{created, []string{"all.orders"}},
			{paid, []string{"large"}},
			{closed, []string{"closed", "large", "all.orders"}},
		} {
			if got := r.loud(); got.GetEvent().GetId() != tt.event.ID || !slices.Equal(got.GetFilters(), tt.names) {
				c.t.Errorf("got %v, want %s with %q", got, tt.event.Type, tt.names)
			}
		}
		r.quiet()
	}
}

// beat has a stream that no event matches. Its heartbeats carry the place up to which the log was read.
func beat(c *client) {
	for _, asked := range []time.Duration{0, 100 * time.Millisecond, 10 * time.Second, time.Minute} {
		request := &postriderv1.SubscribeRequest{Types: []string{"never"}}
		if asked != 0 {
			request.HeartbeatInterval = durationpb.New(asked)
		}
		r, interval, began := c.openAs(AdminKey, request), cmp.Or(asked, stream.DefaultHeartbeat), time.Now()
		c.publish(10)
		for range 3 {
			got := r.next()
			began = began.Add(interval)
			if got.GetHeartbeat() == nil || !got.GetHeartbeat().GetLive() || !time.Now().Equal(began) || got.GetCursor() != c.Cursor() {
				c.t.Errorf("interval %v: got %v %v late, want a heartbeat at %s", interval, got, time.Since(began), c.Cursor())
			}
		}
		r.leave()
	}
}

func keepTenantsApart(c *client) {
	other := c.NewTenant("other")
	key, _ := c.NewKey(other, gateway.ScopeConsume)
	var own, others []*gateway.Event
	publish := func() {
		for range 3 {
			own, others = append(own, c.publish(2)...), append(others, c.Publish(1, &gateway.Event{Tenant: other.ID})...)
		}
	}
	publish()
	ownReader := c.open(&postriderv1.SubscribeRequest{Start: earliest})
	otherReader := c.open(&postriderv1.SubscribeRequest{Start: earliest, Tenant: other.Name})
	byKey := c.openAs(key, &postriderv1.SubscribeRequest{Start: earliest, HeartbeatInterval: durationpb.New(pulse)})
	publish()
	ownReader.expect(own...)
	ownReader.quiet()
	for _, r := range []*reader{otherReader, byKey} {
		r.expect(others...)
		r.quiet()
	}
}
