// Shop runs a small business on Postrider. A checkout publishes orders (producer, Go), bookkeeping reads them over gRPC (consumer,
// Go), invoicing receives them as webhooks (receiver, TypeScript), and a screen shows them live (page, TypeScript). All four
// are compiled against the messages of proto/shop/v1. The server between them checks events against the same messages.
//
// `make shop` builds the parts and runs them, with a server and a data folder of their own, until Ctrl-C. POSTRIDER_LISTEN is the server's
// address, SHOP_PORT the port of the page.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// settings are what one can change.
type settings struct {
	listen, page string
	orders       int
}

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", cmp.Or(os.Getenv("POSTRIDER_LISTEN"), "127.0.0.1:8081"), "address of the server")
	flag.StringVar(&s.page, "page", "127.0.0.1:"+cmp.Or(os.Getenv("SHOP_PORT"), "8090"), "address of the page")
	flag.IntVar(&s.orders, "orders", 0, "place so many orders; 0 goes on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run starts everything, from the top of the repository, and ends it when ctx ends or a part fails.
func run(ctx context.Context, s settings, out io.Writer) error {
	folder, err := os.MkdirTemp("", "shop-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := build(ctx, folder); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	err = open(ctx, &stage{group: group, out: out}, s, folder)
	if err != nil {
		group.Go(func() error { return err }) // ends what runs already
	}
	return group.Wait()
}

// build compiles the parts written in Go. `make shop` has built the others.
func build(ctx context.Context, folder string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", folder, "./examples/shop/producer", "./examples/shop/consumer")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("build the producer and the consumer: %w", err)
	}
	return nil
}

var (
	serverURL   = regexp.MustCompile(`Web UI and API\s+(\S+)`)
	receiverURL = regexp.MustCompile(`listening on (\S+)`)
)

// open starts the parts one after another, each with what it needs of those before.
func open(ctx context.Context, on *stage, s settings, folder string) error {
	data := filepath.Join(folder, "data")
	url, err := on.start(ctx, part{
		name: "server", announces: serverURL,
		command: []string{
			"bin/postrider", "serve", "--listen", s.listen, "--data", data, "--allow-targets", "127.0.0.0/8",
			"--log-level", "warn",
		},
	})
	if err != nil {
		return err
	}
	adminKey, err := os.ReadFile(filepath.Join(data, "admin-key"))
	if err != nil {
		return err
	}
	office := newOffice(url, strings.TrimSpace(string(adminKey)))
	if err := office.registerTypes(ctx); err != nil {
		return err
	}
	if err := openReceiver(ctx, on, office); err != nil {
		return err
	}
	consume, err := office.consumerKey(ctx)
	if err != nil {
		return err
	}
	if err := servePage(ctx, on, s.page, url, consume); err != nil {
		return err
	}
	if _, err := on.start(ctx, part{
		name: "consumer", command: []string{filepath.Join(folder, "consumer")}, env: access(url, consume),
	}); err != nil {
		return err
	}
	publish, err := office.producerKey(ctx)
	if err != nil {
		return err
	}
	_, err = on.start(ctx, part{
		name: "producer", command: []string{filepath.Join(folder, "producer"), "-orders", strconv.Itoa(s.orders)},
		env: access(url, publish),
	})
	return err
}

// openReceiver starts the receiver with a secret, and subscribes it under the same one.
func openReceiver(ctx context.Context, on *stage, o *office) error {
	secret := newSecret()
	url, err := on.start(ctx, part{
		name: "receiver", announces: receiverURL,
		command: []string{"node", "examples/shop/dist/receiver/main.js"}, env: []string{"WEBHOOK_SECRET=" + secret},
	})
	if err != nil {
		return err
	}
	return o.subscribe(ctx, url, secret)
}

// access tells a part where the server is and lets it in.
func access(url, key string) []string {
	return []string{"POSTRIDER_URL=" + url, "POSTRIDER_API_KEY=" + key}
}
