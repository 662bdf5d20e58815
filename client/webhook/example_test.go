package webhook_test

import (
	"context"
	"log"
	"net/http"
	"os"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client/webhook"
)

func Example() {
	h, err := webhook.NewHandler(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	webhook.On(h, func(ctx context.Context, order *shopv1.OrderCreated, event webhook.Event) error {
		log.Print(event.ID, " ordered by ", order.GetCustomerId())
		return nil
	})
	webhook.On(h, func(ctx context.Context, order *shopv1.OrderPaid, event webhook.Event) error {
		if order.GetAmount().GetCurrency() != "EUR" {
			return &webhook.StatusError{Status: http.StatusUnprocessableEntity, Text: "only EUR is booked here"}
		}
		return nil
	})
	http.Handle("POST /hook", h)
	log.Fatal(http.ListenAndServe("127.0.0.1:9900", nil))
}
