// Package client publishes events to a Postrider server and subscribes to them. Events are typed by the messages that
// protoc-gen-go generates from a team's own .proto files.
//
//	c := client.New("https://events.example.com", client.WithKey(key))
//	ack, err := c.Publish(ctx, &shopv1.OrderCreated{OrderId: "42"})
//
//	for event, err := range client.Subscribe[*shopv1.OrderCreated](ctx, c, client.Start(cursor)) {
//		…
//	}
//
// To publish many events, use Client.PublishStream. It sends them over one stream without waiting for each, limits how many are in
// flight, and acknowledges each in order. Close returns a summary.
//
// Package client/webhook receives webhooks.
//
// Every call takes a context and ends with it. A call whose result is unknown is repeated. A publish is repeated under the same
// event id, so the event is stored once; the unacknowledged events of a publish stream likewise. A subscription resumes from
// its last cursor, without gaps and without repeats.
package client
