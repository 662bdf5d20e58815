// Receiver prints the events of verified webhooks.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/postrider-dev/postrider/client/webhook"
)

func main() {
	handler, err := webhook.NewHandler(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	handler.Fallback = func(_ context.Context, event webhook.Event) error {
		fmt.Println("verified", event.ID, event.Type, string(event.Data))
		return nil
	}
	log.Fatal(http.ListenAndServe("localhost:3000", handler))
}
