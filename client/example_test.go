package client_test

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
	"github.com/postrider-dev/postrider/client/webhook"
)

func ExampleClient_Publish() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	ack, err := c.Publish(context.Background(), &shopv1.OrderPaid{
		OrderId: "42",
		Amount:  &shopv1.Money{Currency: "EUR", MinorUnits: 1999},
		Method:  &shopv1.OrderPaid_GiftCardCode{GiftCardCode: "ABCDEF012345"},
		PayTime: timestamppb.Now(),
	}, client.Subject("42"))
	if err != nil {
		log.Fatal(err)
	}
	log.Print("stored as ", ack.ID)
}

// An id of one's own makes a publish safe to repeat across restarts of the producer, too.
func ExampleID() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	order := &shopv1.OrderCancelled{OrderId: "42", CancelTime: &timestamppb.Timestamp{Seconds: 1772352000}}
	if _, err := c.Publish(context.Background(), order, client.ID("cancelled:"+order.GetOrderId())); err != nil {
		log.Print(err)
	}
}

func ExampleClient_PublishBatch() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	var events []*postriderv1.Event
	for _, id := range []string{"41", "42"} {
		event, err := client.NewEvent(&shopv1.OrderCancelled{OrderId: id, CancelTime: timestamppb.Now()})
		if err != nil {
			log.Fatal(err)
		}
		events = append(events, event)
	}
	if _, err := c.PublishBatch(context.Background(), events...); err != nil {
		log.Fatal(err)
	}
}

// Many events, each acknowledged once it is on disk, without waiting for one before the next is sent.
func ExampleClient_PublishStream() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	stream := c.PublishStream(ctx, client.OnRefused(func(err *client.RefusedError) { log.Print(err) }))
	for _, id := range []string{"41", "42"} {
		order := &shopv1.OrderCancelled{OrderId: id, CancelTime: &timestamppb.Timestamp{Seconds: 1772352000}}
		if err := stream.Publish(ctx, order, client.ID("cancelled:"+id)); err != nil {
			log.Print(err)
		}
	}
	summary, err := stream.Close(ctx)
	if err != nil {
		log.Fatal(err, ": unknown of ", len(summary.Unacknowledged))
	}
	log.Print(summary.Stored, " stored, the last at ", summary.Cursor)
}

func ExampleSubscribe() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	cursor := "" // kept from the run before
	for event, err := range client.Subscribe[*shopv1.OrderPaid](context.Background(), c, client.Start(cursor)) {
		var gap *client.GapError
		if errors.As(err, &gap) {
			log.Print(gap)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		log.Print(event.Message.GetOrderId(), " is paid")
		cursor = event.GetCursor()
	}
}

func ExampleClient_Events() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	for event, err := range c.Events(context.Background(), client.Types("shop.v1.*"), client.Start(client.Earliest)) {
		if err != nil {
			log.Fatal(err)
		}
		switch message := event.Message.(type) {
		case *shopv1.OrderCreated:
			log.Print("ordered: ", len(message.GetLines()), " lines")
		case *shopv1.OrderPaid:
			log.Print("paid: ", message.GetAmount())
		}
	}
}

func ExampleMux() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	var mux client.Mux
	client.On(&mux, func(ctx context.Context, order *shopv1.OrderCreated, event *postriderv1.Event) error {
		log.Print(event.GetId(), ": ordered for ", order.GetTotal())
		return nil
	})
	client.On(&mux, func(ctx context.Context, order *shopv1.OrderPaid, event *postriderv1.Event) error {
		log.Print(event.GetId(), ": paid ", order.GetAmount())
		return nil
	})
	log.Fatal(mux.Run(context.Background(), c))
}

// A refusal names every field at fault, over each protocol.
func ExampleViolations() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	_, err := c.Publish(context.Background(), &shopv1.OrderPaid{})
	for _, violation := range client.Violations(err) {
		log.Print(violation.Field, ": ", violation.Message, " (", violation.Rule, ")")
	}
}

// A service creates its own subscription when it starts.
func ExampleSubscriptions_Create() {
	ctx := context.Background()
	subscriptions := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY"))).Subscriptions()
	_, err := subscriptions.Create(ctx, &postriderv1.Subscription{
		Name:   "billing",
		Filter: &postriderv1.Filter{Types: []string{"shop.v1.*"}},
		Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{
			Webhook: &targetv1.Webhook{Url: "http://127.0.0.1:9900/hook"},
		}},
	})
	if err != nil && connect.CodeOf(err) != connect.CodeAlreadyExists {
		log.Fatal(err)
	}
	secret, err := subscriptions.RevealSecret(ctx, "billing")
	if err != nil {
		log.Fatal(err)
	}
	handler, err := webhook.NewHandler(secret)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:9900", handler))
}

func ExampleSubscriptions_List() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	for subscription, err := range c.Subscriptions().List(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		log.Print(subscription.GetName(), ": ", subscription.GetState(), ", ", subscription.GetHealth().GetBacklog(), " waiting")
	}
}

func ExampleSubscriptions_Update() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	ctx := context.Background()
	subscription, err := c.Subscriptions().Get(ctx, "billing")
	if err != nil {
		log.Fatal(err)
	}
	subscription.Filter = &postriderv1.Filter{Types: []string{"shop.v1.OrderPaid"}}
	if _, err := c.Subscriptions().Update(ctx, subscription, "filter"); err != nil {
		log.Fatal(err)
	}
}

func ExampleSubscriptions_Test() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	attempt, err := c.Subscriptions().Test(context.Background(), "billing")
	if err != nil {
		log.Fatal(err)
	}
	log.Print(attempt.GetOutcome())
}

func ExampleSubscriptions_Pause() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	ctx := context.Background()
	if _, err := c.Subscriptions().Pause(ctx, "billing"); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Subscriptions().Resume(ctx, "billing"); err != nil {
		log.Fatal(err)
	}
}

func ExampleSubscriptions_Delete() {
	c := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	if err := c.Subscriptions().Delete(context.Background(), "billing"); err != nil {
		log.Fatal(err)
	}
}
