package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/signature"
	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/webhook"
)

const (
	secretVariable = "POSTRIDER_WEBHOOK_SECRET"
	// firstForward and maxForward are the first and the longest time between two tries to reach a receiver.
	firstForward = 250 * time.Millisecond
	maxForward   = 2 * time.Second
	// shownResponse is the number of characters of a response that are shown.
	shownResponse = 120
)

type listenFlags struct {
	selection selectionFlags
	forwardTo string
	print     bool
	// printSecret shows the signing secret and receives nothing.
	printSecret bool
	secret      string
	defaults    bool
}

func listenCommand(env environment, to *connection) *cobra.Command {
	var flags listenFlags
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive events as webhooks on this machine",
		Long: `Receive events as webhooks on this machine, until interrupted. The server needs no subscription, and no way to reach this
machine.

With --forward-to, listen posts each event to a URL as a webhook of a subscription does: the same body and headers, signed. Events are sent
one at a time, in order. While the receiver cannot be reached, listen waits and tries again, so a receiver can be restarted at any time. An
event that was sent is not sent again, whatever the response. With --print, listen prints the body of each request and the headers that
change from request to request.

Your receiver verifies the signature with the secret that listen prints, also with --print-secret. The secret is derived from the API key, so it stays the same; the
secret of a subscription is another one. $` + secretVariable + ` or --secret sets it.

listen begins with the events that are published from now on; with --start earliest, it begins with the stored ones. While it runs, it
continues after a disconnect, a restart of the server, or sleep of this machine. It remembers nothing between runs.`,
		Example: `  postrider listen --forward-to http://localhost:3000/webhooks
  postrider listen --forward-to 3000
  WEBHOOK_SECRET=$(postrider listen --print-secret) node receiver.mjs
  postrider listen --print --types 'order.*' --start earliest`,
		Args: noArguments,
	}
	set := cmd.Flags()
	set.Var(placeholder(&flags.forwardTo, "URL"), "forward-to", "post events to this URL; \"localhost:3000/webhooks\" and \"3000\" work, too")
	set.BoolVar(&flags.print, "print", false, "print requests")
	set.BoolVar(&flags.printSecret, "print-secret", false, "print the signing secret, and receive nothing")
	set.Var(placeholder(&flags.secret, "SECRET"), "secret", `signing secret, "whsec_…" (default $`+secretVariable+`, or derived from the API key)`)
	set.BoolVar(&flags.defaults, "defaults", false, defaultsUsage)
	flags.selection.add(cmd)
	to.addFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !flags.oneTask() {
			return usageError{cmd, errors.New("give either --forward-to URL, --print or --print-secret")}
		}
		c, err := to.open()
		if err != nil {
			return err
		}
		flags.forwardTo = receiverURL(flags.forwardTo)
		l := &listener{env: env, flags: flags, server: c.server}
		if l.secret, err = flags.signingSecret(env, c.key); err != nil {
			return usageError{cmd, err}
		}
		if flags.printSecret {
			return say(env.stdout, "%s\n", l.secret.Reveal())
		}
		if !flags.print {
			if l.hook, err = newHook(flags.forwardTo, l.secret); err != nil {
				return usageError{cmd, fmt.Errorf("--forward-to: %w", err)}
			}
		}
		f := flags.selection.follower(c, env, flags.defaults, l.receive)
		f.begun = l.ready
		return ignoring(errEnough, f.run(cmd.Context()))
	}
	return cmd
}

// oneTask reports whether exactly one of the flags that say what to do is set.
func (f listenFlags) oneTask() bool {
	tasks := 0
	for _, given := range []bool{f.forwardTo != "", f.print, f.printSecret} {
		if given {
			tasks++
		}
	}
	return tasks == 1
}

// signingSecret returns the secret that was set, or one that is derived from the API key, so that it is the same each time.
func (f listenFlags) signingSecret(env environment, key string) (signature.Secret, error) {
	text, _ := env.lookup(secretVariable)
	if text = firstOf(f.secret, text); text == "" {
		derived, err := hkdf.Key(sha256.New, []byte(key), nil, "postrider listen", 32)
		if err != nil {
			return signature.Secret{}, fmt.Errorf("derive the signing secret: %w", err)
		}
		text = "whsec_" + base64.StdEncoding.EncodeToString(derived)
	}
	secret, err := signature.ParseSecret(text)
	if err != nil {
		return secret, fmt.Errorf("--secret or $%s: %w", secretVariable, err)
	}
	return secret, nil
}

// receiverURL completes an address that is a port of this machine, or has no scheme.
func receiverURL(text string) string {
	switch {
	case text != "" && strings.Trim(text, "0123456789") == "":
		return "http://localhost:" + text
	case text != "" && !strings.Contains(text, "://") && !strings.HasPrefix(text, "/"):
		return "http://" + text
	default:
		return text
	}
}

// newHook makes a webhook to any address: it is the user's own machine that sends.
func newHook(url string, secret signature.Secret) (target.Target, error) {
	config, err := protojson.Marshal(&targetv1.Webhook{Url: url})
	if err != nil {
		return nil, err
	}
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	client := egress.New(egress.Config{Guard: egress.Guard{Allow: anywhere}})
	return webhook.NewType(client, server.Version()).New(target.Spec{Config: config, Secret: secret.Reveal(), Timeout: gateway.DefaultTimeout})
}

// listener receives events as webhooks.
type listener struct {
	env    environment
	flags  listenFlags
	server string
	secret signature.Secret
	// hook is nil where requests are printed.
	hook target.Target
}

// ready says what comes, what it is signed with, and what to do next.
func (l *listener) ready() {
	events := "all events"
	if types := l.flags.selection.types; len(types) > 0 {
		events = strings.Join(types, ", ")
	}
	from := "from now on; --start earliest begins with stored events"
	if start := l.flags.selection.start; start != "" && start != "now" {
		from = "from " + start
	}
	where := "printing requests"
	if l.hook != nil {
		where = "forwarding to " + l.flags.forwardTo
	}
	_ = say(l.env.stderr, "Ready: %s at %s (%s), %s\nSigning secret: %s\n", events, l.server, from, where, l.secret.Reveal())
	if l.flags.selection.all() {
		_ = say(l.env.stderr, "Try: postrider publish order.created '{\"orderId\":\"42\"}'\n")
	}
}

// receive forwards or prints an event.
func (l *listener) receive(ctx context.Context, event *postriderv1.Event) error {
	message := &target.Message{
		ID: event.GetId(), Type: event.GetType(), Source: event.GetSource(), Subject: event.GetSubject(),
		Time: event.GetTime().AsTime(), Data: []byte(event.GetJsonData()), Cursor: event.GetCursor(),
	}
	if l.hook == nil {
		return l.print(message)
	}
	return l.forward(ctx, event, message)
}

// print prints the headers that differ from request to request, and the body.
func (l *listener) print(m *target.Message) error {
	now := time.Now()
	headers := [][2]string{
		{signature.HeaderID, m.ID},
		{signature.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10)},
		{signature.HeaderSignature, signature.NewSigner(l.secret).Sign(m.ID, now, m.Document())},
		{webhook.HeaderCursor, m.Cursor},
	}
	for _, header := range headers {
		if err := say(l.env.stdout, "%s: %s\n", strings.ToLower(header[0]), header[1]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(l.env.stdout, "\n%s\n\n", m.Document())
	return err
}

// forward sends an event once the receiver can be reached.
func (l *listener) forward(ctx context.Context, event *postriderv1.Event, m *target.Message) error {
	wait, said := firstForward, ""
	for {
		outcome := l.hook.Send(ctx, m, time.Now())
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case outcome.Sent.Transmitted:
			return l.show(event, outcome)
		case outcome.Error != said:
			said = outcome.Error
			_ = say(l.env.stderr, "%s: %s; listen tries again until it can be reached\n", l.flags.forwardTo, said)
		}
		if !pause(ctx, wait) {
			return context.Cause(ctx)
		}
		wait = min(2*wait, maxForward)
	}
}

// show prints the response of the receiver, or why there is none.
func (l *listener) show(event *postriderv1.Event, outcome gateway.Outcome) error {
	status := strings.TrimSpace(fmt.Sprintf("%d %s", outcome.Status, http.StatusText(outcome.Status)))
	if outcome.Status == 0 {
		status = outcome.Error
	}
	if outcome.Kind != gateway.OutcomeDelivered && len(outcome.Response) > 0 {
		status += ": " + beginning(oneLine(strings.TrimSpace(string(outcome.Response))))
	}
	columns := []string{clock(event.GetAcceptTime()), event.GetType(), event.GetSubject(), event.GetId(), status}
	columns = slices.DeleteFunc(columns, func(text string) bool { return text == "" })
	columns = append(columns, outcome.Timings.Total.Round(100*time.Microsecond).String())
	return say(l.env.stdout, "%s\n", strings.Join(columns, "  "))
}

// beginning returns the first characters of a long text.
func beginning(text string) string {
	if characters := []rune(text); len(characters) > shownResponse {
		return string(characters[:shownResponse]) + "…"
	}
	return text
}
