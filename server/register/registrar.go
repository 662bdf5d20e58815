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
	// sampleEvents is the number of stored events of a type that are checked against a new version, the newest ones.
	sampleEvents = 1000
	// sampleBytes limits the total size of their payloads. Publishers determine how large these are, and they are also
	// checked at the start of a server.
	sampleBytes = 16 << 20
	// tries limits how often schemas are compared again because the registry changed in the meantime.
	tries = 8
)

// Config configures a Registrar.
type Config struct {
	Store   *store.Store
	Schemas *schema.Registry
	Filters *filter.Compiler
	// Reload updates Schemas from the store.
	Reload func()
}

// Registrar registers schemas. It is safe for concurrent use.
type Registrar struct{ Config }

// New returns a Registrar.
func New(config Config) *Registrar { return &Registrar{config} }

// Request is a registration of schemas.
type Request struct {
	Types []compile.EventType
	// Level is the level of new types.
	Level gateway.Level
	// UnknownFields is the handling of unknown fields of new types.
	UnknownFields gateway.UnknownFields
	// AllowBreaking stores breaking changes, too.
	AllowBreaking bool
	// DryRun stores nothing and refuses nothing.
	DryRun bool
}

// RefusedError means that schemas are incompatible. Cause has CodeFailedPrecondition and ReasonIncompatibleSchema.
type RefusedError struct {
	Report compat.Report
	Cause  *gateway.Error
}

func (e *RefusedError) Error() string { return e.Cause.Error() }

func (e *RefusedError) Unwrap() error { return e.Cause }

// TypeError means that the schema of one type could not be compared.
type TypeError struct {
	Type  string
	Cause error
}

func (e *TypeError) Error() string { return "compare " + e.Type + ": " + e.Cause.Error() }

func (e *TypeError) Unwrap() error { return e.Cause }

// Register stores the schemas that differ from the latest version of their type, all or none, and returns a report. The error
// is a *RefusedError if one is incompatible.
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

// refused returns the error of an incompatible registration. It names the first incompatibility; the report has all of them.
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
