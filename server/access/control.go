package access

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
)

// Config holds what callers are admitted with.
type Config struct {
	Store    *store.Store
	Keyring  *seal.Keyring
	AdminKey KeyHash
	// Services are those whose methods say who may call them. Methods of others are for admin keys.
	Services []protoreflect.ServiceDescriptor
	// MaxRequestBytes bounds one request.
	MaxRequestBytes int
	// Bodies bounds the memory of all requests of known callers together.
	Bodies *limit.Budget
	Logger *slog.Logger
}

// Control admits callers, or refuses them.
type Control struct {
	config  Config
	methods map[string]requirement
	// signIns bounds the sign-ins.
	signIns *limit.Rates
	log     Log
}

// Sign-ins of one address and of all. Behind a proxy all users share one address, and each signs in a few times a day.
var (
	signInsOfAddress = limit.Rate{PerSecond: 5, Burst: 100}
	signInsOfAll     = limit.Rate{PerSecond: 50, Burst: 500}
)

// New makes a Control. The error names a method that does not say who may call it.
func New(config Config) (*Control, error) {
	methods, err := readRequirements(config.Services)
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	return &Control{
		config: config, methods: methods, signIns: limit.NewRates(signInsOfAddress, signInsOfAll), log: newLog(config.Logger),
	}, nil
}

// MaxBytes is the largest request that is read at all. It is more than a request may have, so that those a little larger are refused
// with an error that says why.
func (a *Control) MaxBytes() int { return a.config.MaxRequestBytes + a.config.MaxRequestBytes/4 }

// Log is the log of requests.
func (a *Control) Log() Log { return a.log }

// Admit authenticates the caller of a method, and charges the call to it from now on. The header has the Host that was called.
func (a *Control) Admit(ctx context.Context, procedure, address string, header http.Header) (Caller, error) {
	required := a.methods[procedure]
	c, err := a.admit(ctx, required, header)
	if err == nil && required.signsIn {
		err = a.signIns.Allow(limit.Address(address))
	}
	return c, err
}

// AdmitRequest authenticates the caller of an endpoint that is no method, and charges the request to it.
func (a *Control) AdmitRequest(r *http.Request, needed Permission) (Caller, error) {
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	return a.admit(r.Context(), requirement{permission: needed}, header)
}

func (a *Control) admit(ctx context.Context, required requirement, header http.Header) (Caller, error) {
	if required.open {
		limit.CallOf(ctx).Confine(limit.SmallBody)
		return Caller{}, checkOrigin(header)
	}
	c, err := a.Authenticate(ctx, header)
	if err == nil {
		err = required.permit(c.Principal)
	}
	if err != nil && required.orTicket && header.Get("Authorization") == "" {
		c, err = Caller{Refused: err}, nil
	}
	if err != nil {
		return c, err
	}
	if err := a.checkLength(header); err != nil || !c.Known() {
		return c, err
	}
	return c, a.Charge(ctx, c)
}

// Charge moves the call of the context to the budget of a known caller.
func (a *Control) Charge(ctx context.Context, c Caller) error {
	holder := limit.Holder{Key: c.KeyID, Tenant: int64(c.Tenant)}
	return limit.CallOf(ctx).Admit(a.config.Bodies, holder, a.MaxBytes())
}

// checkLength refuses a request with a Content-Length that is too large, without reading it.
func (a *Control) checkLength(header http.Header) error {
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil || length <= int64(a.MaxBytes()) {
		return nil
	}
	fault := gateway.FieldError("request", "has %d bytes, which is more than this server reads", length)
	fault.Reason = gateway.ReasonTooLarge
	return fault
}
