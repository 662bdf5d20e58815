// Quickstart publishes an event and waits until it comes back on a live stream.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
)

func main() {
	ctx, key := context.Background(), "Bearer "+os.Getenv("POSTRIDER_API_KEY")
	events := postriderv1connect.NewEventServiceClient(http.DefaultClient, "http://127.0.0.1:8080")

	publish := connect.NewRequest(&postriderv1.PublishRequest{Event: &postriderv1.Event{
		Type:    "order.created",
		Payload: &postriderv1.Event_JsonData{JsonData: `{"orderId":"42","total":1999}`},
	}})
	publish.Header().Set("Authorization", key)
	ack, err := events.Publish(ctx, publish)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored as", ack.Msg.GetId())

	subscribe := connect.NewRequest(&postriderv1.SubscribeRequest{Types: []string{"order.*"}, Start: "earliest"})
	subscribe.Header().Set("Authorization", key)
	stream, err := events.Subscribe(ctx, subscribe)
	if err != nil {
		log.Fatal(err)
	}
	for stream.Receive() {
		if event := stream.Msg().GetEvent(); event.GetId() == ack.Msg.GetId() {
			fmt.Println("came back:", event.GetType(), event.GetJsonData())
			return
		}
	}
	log.Fatal(stream.Err())
}
