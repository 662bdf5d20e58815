package register_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/register"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
)

// newRegistrar makes a registrar on a real store.
func newRegistrar(tb testing.TB) (*register.Registrar, *store.Store) {
	tb.Helper()
	ring, err := seal.ParseKeyring(strings.Repeat("00", 32))
	if err != nil {
		tb.Fatal(err)
	}
	s, err := store.Open(tb.Context(), store.Config{
		Data: tb.TempDir(), Keyring: ring, Logger: slog.New(slog.DiscardHandler), NoSync: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, s.Close()); err != nil {
			tb.Error(err)
		}
	})
	schemas := schema.NewRegistry()
	return register.New(register.Config{
		Store: s, Schemas: schemas, Filters: filter.NewCompiler(schemas),
		Reload: func() { publish.LoadSchemas(s, schemas) },
	}), s
}

// things makes n event types, each in a file of its own.
func things(tb testing.TB, n int, fields string) []compile.EventType {
	tb.Helper()
	sources := make([]compile.Source, n)
	for i := range sources {
		sources[i] = compile.Source{Path: fmt.Sprintf("things/v1/t%d.proto", i), Content: fmt.Sprintf(`syntax = "proto3";
package things.v1;
import "buf/validate/validate.proto";
message Thing%d {
  string id = 1 [(buf.validate.field).string.min_len = 1];
  int64 total = 2 [(buf.validate.field).int64.gte = 0];
  %s
}
`, i, fields)}
	}
	set, err := compile.Compile(tb.Context(), sources)
	if err != nil {
		tb.Fatal(err)
	}
	types, err := compile.Select(set, compile.Selection{All: true})
	if err != nil {
		tb.Fatal(err)
	}
	return types
}

func TestRegisterIsAllOrNone(t *testing.T) {
	t.Parallel()
	r, s := newRegistrar(t)
	if _, err := r.Register(t.Context(), register.Request{Types: things(t, 3, "int32 n = 3;"), Level: gateway.LevelWarn}); err != nil {
		t.Fatal(err)
	}
	mixed := append(things(t, 2, "int32 n = 3; string more = 4;"), things(t, 3, "string n = 3;")[2])
	report, err := r.Register(t.Context(), register.Request{Types: mixed})
	var refused *register.RefusedError
	if !errors.As(err, &refused) || refused.Cause.Reason != gateway.ReasonIncompatibleSchema || refused.Report.Incompatible() != 1 || len(report.Types) != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	if text := refused.Report.String(); !strings.HasPrefix(text, "things.v1.Thing2: things/v1/t2.proto:7:") {
		t.Errorf("report %q", text)
	}
	for name, kind := range s.Registry().Types {
		if kind.LatestVersion != 1 || kind.Level != gateway.LevelWarn {
			t.Errorf("%s has version %d, level %v", name, kind.LatestVersion, kind.Level)
		}
	}
}

// Two who register at the same time come one after the other; the second is compared with what the first has stored.
func TestRegisterAtTheSameTime(t *testing.T) {
	t.Parallel()
	r, s := newRegistrar(t)
	versions := [][]compile.EventType{things(t, 1, ""), things(t, 1, "int32 a = 3;"), things(t, 1, "int32 b = 4;"), things(t, 1, "int32 c = 5;")}
	results := make(chan error, len(versions))
	for _, types := range versions {
		go func() {
			_, err := r.Register(t.Context(), register.Request{Types: types, AllowBreaking: true})
			results <- err
		}()
	}
	for range versions {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if got := s.Registry().Types["things.v1.Thing0"].LatestVersion; got != len(versions) {
		t.Errorf("%d versions, want %d", got, len(versions))
	}
}

// TestRegisterSeesWhatAnAnyHolds pushes a type again after only what it can hold in a google.protobuf.Any, or the rule behind
// an option, has changed.
func TestRegisterSeesWhatAnAnyHolds(t *testing.T) {
	t.Parallel()
	r, _ := newRegistrar(t)
	text := func(field, rule string) []compile.EventType {
		set, err := compile.Compile(t.Context(), []compile.Source{
			{Path: "rule.proto", Content: `syntax = "proto2"; package r; import "buf/validate/validate.proto";
extend buf.validate.Int32Rules { optional int32 below = 1001 [(buf.validate.predefined).cel = {id: "b", expression: "` + rule + `"}]; }`},
			{Path: "a.proto", Content: `syntax = "proto3"; package a; import "google/protobuf/any.proto";
message Holder { google.protobuf.Any any = 1; }`},
			{Path: "b.proto", Content: `syntax = "proto3"; package a; import "rule.proto"; import "buf/validate/validate.proto";
message Held { ` + field + ` } message Ruled { int32 i = 1 [(buf.validate.field).int32.(r.below) = 9]; }`},
		})
		if err != nil {
			t.Fatal(err)
		}
		types, err := compile.Select(set, compile.Selection{Messages: []compile.Named{{Message: "a.Holder"}, {Message: "a.Ruled"}}})
		if err != nil {
			t.Fatal(err)
		}
		return types
	}
	for _, step := range []struct {
		types []compile.EventType
		want  string
	}{
		{text("int32 i = 1;", "this < rule"), "[2 1] [2 1]"},
		{text("int32 i = 1;", "this < rule"), "[1 1] [1 1]"},
		{text("int32 i = 1; int32 j = 2;", "this < rule"), "[3 2] [1 1]"},
		{text("int32 i = 1; int32 j = 2;", "this <= rule"), "[3 3] [3 2]"},
	} {
		report, err := r.Register(t.Context(), register.Request{Types: step.types})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range report.Types {
			got = append(got, fmt.Sprint([]int{int(one.Change), one.Version}))
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%v, want %s", got, step.want)
		}
	}
}

// A schema that brings out a fault of the server is refused by name, and the process lives. Here the fault is that the
// registrar was made without what reads filters.
func TestRegisterSurvivesAPanic(t *testing.T) {
	t.Parallel()
	r, s := newRegistrar(t)
	tenant, err := s.Tenant(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateSubscription(t.Context(), &gateway.Subscription{
		Tenant: tenant.ID, Name: "large", Filter: gateway.Filter{Types: []string{"*"}, Expression: "event.data.total > 9"},
	}, gateway.Start{})
	if err != nil {
		t.Fatal(err)
	}
	broken := *r
	broken.Filters = nil
	var fault *register.TypeError
	var panicked *compile.PanicError
	_, err = broken.Register(t.Context(), register.Request{Types: things(t, 2, "")})
	if !errors.As(err, &fault) || fault.Type != "things.v1.Thing0" || !errors.As(err, &panicked) {
		t.Errorf("%v", err)
	}
	if _, err := r.Register(t.Context(), register.Request{Types: things(t, 2, "")}); err != nil {
		t.Error(err)
	}
}

// A thousand events of a type were read at once, at the start of a server, too: of the largest kind that is a gigabyte.
func TestRegisterReadsABoundedSampleOfLargeEvents(t *testing.T) {
	r, s := newRegistrar(t)
	if _, err := r.Register(t.Context(), register.Request{Types: things(t, 1, "string text = 4;")}); err != nil {
		t.Fatal(err)
	}
	version := r.Schemas.Snapshot().Type("things.v1.Thing0")
	data, violations, err := version.FromJSON([]byte(`{"id":"a","text":"` + strings.Repeat("x", 1_000_000) + `"}`))
	if err != nil || len(violations) > 0 {
		t.Fatal(violations, err)
	}
	for i := range 100 {
		_, err := s.Append(t.Context(), s.RegistryRevision(), []store.NewEvent{{Event: &gateway.Event{
			Tenant: 1, ID: fmt.Sprint(i), Type: "things.v1.Thing0", Source: "test", Time: time.Now(), Schema: version.ID(), Data: data,
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var report compat.Report
	metertest.Bounded(t, 160<<20, 20*time.Second, func() {
		report, err = r.Register(t.Context(), register.Request{DryRun: true, Types: things(t, 1, "string text = 4 [(buf.validate.field).string.max_len = 5];")})
	})
	if err != nil || report.Types[0].Sampled != 16 || len(report.Types[0].Incompatibilities) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// BenchmarkRegister registers 500 new types at a time.
func BenchmarkRegister(b *testing.B) {
	types := things(b, 500, "")
	for b.Loop() {
		b.StopTimer()
		r, _ := newRegistrar(b)
		b.StartTimer()
		if _, err := r.Register(b.Context(), register.Request{Types: types}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompileAndSelect is what comes before it.
func BenchmarkCompileAndSelect(b *testing.B) {
	for b.Loop() {
		things(b, 500, "")
	}
}
