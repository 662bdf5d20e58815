// Package client publishes events to a Postrider server and reads them back, typed by the messages that protoc-gen-go
// generates from a team's own .proto files.
//
//	c := client.New("https://events.example.com", client.WithKey(key))
//	ack, err := c.Publish(ctx, &shopv1.OrderCreated{OrderId: "42"})
//
//	for event, err := range client.Subscribe[*shopv1.OrderCreated](ctx, c, client.Start(cursor)) {
//		…
//	}
//
// Who publishes many events does not wait for each: Client.PublishStream sends them over one stream, acknowledges each in
// order, bounds how many are under way, and Close sums up.
//
// Handlers of webhooks are in client/webhook.
//
// Every call takes a context and ends with it. What cannot be known to have failed is repeated: a publish under the same
// event id, so that it is stored once, what a stream of publishes has sent and not heard of again likewise, and a stream from
// the last cursor, so that it has no gap and no repeat.
package client
