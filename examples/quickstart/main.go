// Quickstart publishes an event and waits until it comes back on a live stream.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postrider-dev/postrider/client"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
)

func main() {
	ctx := context.Background()
	postrider := client.New("http://127.0.0.1:8080", client.WithKey(os.Getenv("POSTRIDER_API_KEY")))

	ack, err := postrider.Publish(ctx, &shopv1.OrderCancelled{OrderId: "42", CancelTime: timestamppb.Now()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored as", ack.ID)

	for event, err := range client.Subscribe[*shopv1.OrderCancelled](ctx, postrider, client.Start(client.Earliest)) {
		if err != nil {
			log.Fatal(err)
		}
		if event.GetId() == ack.ID {
			fmt.Println("came back: order", event.Message.GetOrderId(), "is cancelled")
			return
		}
	}
}
