package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	"github.com/postrider-dev/postrider/client/signature"
	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/redact"
	"github.com/postrider-dev/postrider/server/target"
)

// Name is the name of this type in subscriptions.
const Name = "webhook"

// Type makes webhooks.
type Type struct {
	client    *egress.Client
	userAgent string
}

var _ target.Type = (*Type)(nil)

// NewType returns the type. Its webhooks send through client, with the user agent "Postrider/<version>".
func NewType(client *egress.Client, version string) *Type {
	return &Type{client: client, userAgent: "Postrider/" + version}
}

// Name returns "webhook".
func (t *Type) Name() string { return Name }

// New makes a webhook.
func (t *Type) New(spec target.Spec) (target.Target, error) {
	config, err := parse(spec.Config)
	if err != nil {
		return nil, err
	}
	u, err := egress.ParseURL(config.GetUrl())
	if err != nil {
		return nil, fmt.Errorf("webhook url: %w", err)
	}
	secret, err := signature.ParseSecret(spec.Secret)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	w := &Webhook{client: t.client, url: u, signer: signature.NewSigner(secret), timeout: spec.Timeout}
	w.static = t.static(config)
	redact.Hide(config)
	w.form, err = formOf(u, t.static(config))
	return w, err
}

// static returns the headers that are the same in every attempt.
func (t *Type) static(config *targetv1.Webhook) http.Header {
	static := http.Header{"Content-Type": {"application/json"}, "User-Agent": {t.userAgent}}
	for name, value := range config.GetHeaders() {
		static.Set(name, value)
	}
	return static
}

// Check returns an error for a URL that cannot be reached, and for headers that only the server may set.
func (t *Type) Check(ctx context.Context, path string, config []byte) error {
	webhook, err := parse(config)
	if err != nil {
		return gateway.FieldError(path, "is not a webhook's configuration")
	}
	if err := t.client.Guard().CheckURL(ctx, webhook.GetUrl()); err != nil {
		return urlError(path+".url", err)
	}
	return checkHeaders(path+".headers", webhook.GetHeaders())
}

// urlError returns the error for the field. A host name that cannot be resolved is an error as well, because it is usually
// misspelt.
func urlError(field string, err error) error {
	fault := gateway.FieldError(field, "%s", err)
	fault.Cause = err
	var e *egress.Error
	if errors.As(err, &e) && e.Kind != egress.KindURL {
		fault.Reason = gateway.ReasonTargetRefused
	}
	return fault
}

// reserved holds the headers that the server sets, and those that change how a message is framed or read. Headers with one
// of reservedPrefixes are reserved, too.
var (
	reserved = []string{
		"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host",
		"Http2-Settings", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
	}
	reservedPrefixes = []string{"Webhook-", "Postrider-", "Proxy-"}
)

func checkHeaders(path string, headers map[string]string) error {
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		field := fmt.Sprintf("%s[%q]", path, name)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case strings.Trim(name, tokenBytes) != "" || name == "":
			return gateway.FieldError(field, "is not the name of a header")
		case isReserved(canonical):
			return gateway.FieldError(field, "is set by the server")
		case seen[canonical]:
			return gateway.FieldError(field, "stands twice, in different spelling")
		case strings.ContainsFunc(headers[name], isControl):
			return gateway.FieldError(field, "has a control character in its value")
		}
		seen[canonical] = true
	}
	return nil
}

// tokenBytes are the bytes allowed in the name of a header (RFC 9110, section 5.6.2).
const tokenBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func isReserved(canonical string) bool {
	return slices.Contains(reserved, canonical) ||
		slices.ContainsFunc(reservedPrefixes, func(prefix string) bool { return strings.HasPrefix(canonical, prefix) })
}

// parse leaves the configuration out of its error, because it may hold secrets.
func parse(config []byte) (*targetv1.Webhook, error) {
	webhook := new(targetv1.Webhook)
	if err := protojson.Unmarshal(config, webhook); err != nil {
		return nil, errors.New("the webhook's configuration is malformed")
	}
	return webhook, nil
}
