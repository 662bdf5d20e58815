package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is how long the server may take to say that it is ready.
const healthTimeout = 5 * time.Second

func healthCommand(env environment, to *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Check whether the server can serve",
		Long: `Check whether the server can serve, for containers and scripts: it must respond to GET /readyz within 5 seconds. No key is needed.

The exit code is 0 if it can, 1 if it says that it cannot, and 4 if it cannot be reached.`,
		Example: `  postrider health
  postrider health --server http://127.0.0.1:8081`,
		Args: noArguments,
	}
	to.addFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := to.find()
		if err != nil && !errors.Is(err, errNoKey) {
			return err
		}
		if err := askReady(cmd.Context(), p); err != nil {
			return err
		}
		return say(env.stdout, "%s is ready\n", p.server)
	}
	return cmd
}

// askReady asks a server whether it can serve.
func askReady(ctx context.Context, p place) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	var transport *url.Error
	if errors.As(err, &transport) {
		return p.unreachable(transport.Err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1024))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is not ready: %s: %s", p, response.Status, oneLine(strings.TrimSpace(string(body))))
	}
	return err
}
