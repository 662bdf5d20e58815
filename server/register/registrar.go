package register

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/store"
)

const (
	// sampleEvents is how many stored events of a type are held against a new version, the newest ones.
	sampleEvents = 1000
	// sampleBytes bounds their payloads together: publishers decide how large they are, and they are held against
	// the rules at the start of a server, too.
	sampleBytes = 16 << 20
	// tries bounds how often schemas are compared again because the registry changed meanwhile.
	tries = 8
)

// Config is what a Registrar works with.
type Config struct {
	Store   *store.Store
	Schemas *schema.Registry
	Filters *filter.Compiler
	// Reload brings Schemas to what is stored.
	Reload func()
}

// Registrar registers schemas. It may be used from any goroutine.
type Registrar struct{ Config }

// New makes a registrar.
func New(config Config) *Registrar { return &Registrar{config} }

// Request asks for schemas to be registered.
type Request struct {
	Types []compile.EventType
	// Level is that of types which are new.
	Level gateway.Level
	// UnknownFields is what they mean for types which are new.
	UnknownFields gateway.UnknownFields
	// AllowBreaking stores incompatible versions too.
	AllowBreaking bool
	// DryRun stores nothing and refuses nothing.
	DryRun bool
}

// RefusedError says that schemas are incompatible. Cause is CodeFailedPrecondition, ReasonIncompatibleSchema.
type RefusedError struct {
	Report compat.Report
	Cause  *gateway.Error
}

func (e *RefusedError) Error() string { return e.Cause.Error() }

func (e *RefusedError) Unwrap() error { return e.Cause }

// TypeError says that the schema of one type could not be judged.
type TypeError struct {
	Type  string
	Cause error
}

func (e *TypeError) Error() string { return "compare " + e.Type + ": " + e.Cause.Error() }

func (e *TypeError) Unwrap() error { return e.Cause }

// Register stores the schemas that differ from the latest version of their type, all or none, and returns what it did.
// The error is a *RefusedError when one is incompatible.
func (r *Registrar) Register(ctx context.Context, request Request) (compat.Report, error) {
	for range tries {
		r.Reload()
		c := comparison{Registrar: r, registry: r.Store.Registry(), snapshot: r.Schemas.Snapshot()}
		if c.registry.Revision != c.snapshot.Revision() {
			continue
		}
		report, fresh, err := c.compare(ctx, request.Types)
		if err != nil || request.DryRun {
			return report, err
		}
		if report.Incompatible() > 0 && !request.AllowBreaking {
			return report, refused(report)
		}
		err = r.Store.RegisterSchemas(ctx, c.registry.Revision,
			store.NewTypes{Level: request.Level, UnknownFields: request.UnknownFields}, fresh)
		r.Reload()
		if !errors.Is(err, store.ErrRegistryChanged) {
			return report, err
		}
	}
	return compat.Report{}, gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "event types keep changing; try again")
}

// refused makes the error of an incompatible registration. It names the first incompatibility; the report has them all.
func refused(report compat.Report) error {
	for _, one := range report.Types {
		if len(one.Incompatibilities) == 0 {
			continue
		}
		first := one.Incompatibilities[0]
		where := ""
		if first.Line > 0 {
			where = fmt.Sprintf("%s:%d:%d: ", first.File, first.Line, first.Column)
		}
		more := ""
		if n := incompatibilities(report) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		with := "its version " + strconv.Itoa(one.Version-1)
		if one.Change == compat.TypeNew {
			with = "what is there"
		}
		return &RefusedError{Report: report, Cause: gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonIncompatibleSchema,
			"event type %q is incompatible with %s: %s%s: %s%s", one.Type, with, where, first.Element, first.Message, more)}
	}
	return nil
}

func incompatibilities(report compat.Report) (n int) {
	for _, one := range report.Types {
		n += len(one.Incompatibilities)
	}
	return n
}
