// Consumer is the shop's bookkeeping. It reads orders and payments over gRPC, in order, and adds up what is owed.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/postrider-dev/postrider/client"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	postrider := client.New(os.Getenv("POSTRIDER_URL"), client.WithKey(os.Getenv("POSTRIDER_API_KEY")), client.WithGRPC())

	var owed int64
	var mux client.Mux
	client.On(&mux, func(_ context.Context, order *shopv1.OrderCreated, _ *postriderv1.Event) error {
		owed += order.GetTotal().GetMinorUnits()
		fmt.Printf("order %s is booked as %d: owed %s\n", order.GetOrderId(), order.GetLedgerNumber(), euros(owed))
		return nil
	})
	client.On(&mux, func(_ context.Context, order *shopv1.OrderPaid, _ *postriderv1.Event) error {
		owed -= order.GetAmount().GetMinorUnits()
		fmt.Printf("order %s is settled: owed %s\n", order.GetOrderId(), euros(owed))
		return nil
	})
	// What is owed is kept in memory, so it is added up from the beginning. One who keeps it elsewhere keeps the cursor
	// of the last event with it, and starts there.
	if err := mux.Run(ctx, postrider, client.Start(client.Earliest)); !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func euros(cents int64) string {
	return fmt.Sprintf("%d.%02d EUR", cents/100, cents%100)
}
