// Producer is the shop's checkout. It publishes orders and, a moment later, their payments.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postrider-dev/postrider/client"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
)

func main() {
	orders := flag.Int("orders", 0, "stop after so many orders; 0 goes on")
	pause := flag.Duration("pause", 2*time.Second, "between an order and its payment, and before the next order")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	postrider := client.New(os.Getenv("POSTRIDER_URL"), client.WithKey(os.Getenv("POSTRIDER_API_KEY")))
	first := time.Now().Unix()
	for n := 0; *orders == 0 || n < *orders; n++ {
		if err := sell(ctx, postrider, first+int64(n), *pause); err != nil {
			if ctx.Err() != nil {
				return
			}
			log.Fatal(err)
		}
	}
}

// sell publishes one order and its payment. Each event has an id of its own making, so that it is stored once, whatever
// happens to the answer.
func sell(ctx context.Context, postrider *client.Client, number int64, pause time.Duration) error {
	order := newOrder(number)
	if _, err := postrider.Publish(ctx, order, client.ID("created:"+order.OrderId)); err != nil {
		return err
	}
	fmt.Printf("order %s is placed\n", order.OrderId)
	if err := wait(ctx, pause); err != nil {
		return err
	}
	paid := &shopv1.OrderPaid{
		OrderId: order.OrderId,
		Amount:  order.Total,
		Method:  &shopv1.OrderPaid_Card{Card: &shopv1.CardPayment{Brand: "visa", LastFour: "4242"}},
		PayTime: timestamppb.Now(),
	}
	if _, err := postrider.Publish(ctx, paid, client.ID("paid:"+order.OrderId)); err != nil {
		return err
	}
	fmt.Printf("order %s is paid\n", order.OrderId)
	return wait(ctx, pause)
}

func newOrder(number int64) *shopv1.OrderCreated {
	quantity := 1 + rand.Int32N(3)
	price := 500 + rand.Int64N(10_000)
	return &shopv1.OrderCreated{
		OrderId: strconv.FormatInt(number, 10),
		Channel: shopv1.OrderChannel_ORDER_CHANNEL_WEB,
		Lines: []*shopv1.OrderLine{{
			Sku: "MUG-BLUE", Quantity: quantity, UnitPrice: euros(price), Options: map[string]string{"size": "M"},
		}},
		Total: euros(int64(quantity) * price),
		// More than a double holds, which JavaScript has to get right too.
		LedgerNumber: 9_007_199_254_740_993 + number,
		CreateTime:   timestamppb.Now(),
	}
}

func euros(cents int64) *shopv1.Money {
	return &shopv1.Money{Currency: "EUR", MinorUnits: cents}
}

func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
