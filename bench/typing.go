package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// registeredTypes is the number of event types that are registered at once.
const registeredTypes = 500

// registerPause is the pause between two registrations while events are published.
const registerPause = 500 * time.Millisecond

// typingRows compares publishing with validation with publishing the same payload without it, on one server, in alternating
// runs.
func (b *bench) typingRows() ([]row, error) {
	var rows []row
	for _, kind := range []publishKind{{name: "typed against untyped, JSON"}, {name: "typed against untyped, gRPC", grpc: true}} {
		r, err := b.typingRow(kind)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) typingRow(kind publishKind) (row, error) {
	with, without := kind, kind
	with.typed, without.unchecked = true, true
	var rates, limits, ratios []float64
	var cpu time.Duration
	err := b.onServer(func(server *process) error {
		for range 3 * b.rounds {
			limit, _, err := publishRate(server, without, 2*b.unit)
			if err != nil {
				return err
			}
			rate, used, err := publishRate(server, with, 2*b.unit)
			if err != nil {
				return err
			}
			rates, limits, ratios, cpu = append(rates, rate), append(limits, limit), append(ratios, rate/limit), used
		}
		return nil
	})
	if err != nil {
		return row{}, err
	}
	return row{
		name: kind.name, measured: perSecond(median(rates), cpu), limit: perSecond(median(limits), 0),
		ratio: fmt.Sprintf("%.2f", median(ratios)), target: "≥ 0.85", note: "limit: the same payload under a type without a schema",
	}, nil
}

// onServer runs a measurement with a fresh server.
func (b *bench) onServer(measure func(server *process) error) error {
	folder, remove, err := tempFolder()
	if err != nil {
		return err
	}
	defer remove()
	server, err := startServer(folder, false)
	if err != nil {
		return err
	}
	defer server.stop()
	return measure(server)
}

// registerRows measures registering many types at once. It also compares publishing while types are registered with
// publishing while none are, in alternating runs.
func (b *bench) registerRows() ([]row, error) {
	took, cpu, err := b.registerAtOnce()
	if err != nil {
		return nil, err
	}
	var quiet, busy []time.Duration
	versions := 0
	err = b.onServer(func(server *process) error {
		for range b.rounds {
			alone, err := publishLatencies(server.address, 500, 5*b.unit)
			if err != nil {
				return err
			}
			beside, registered, err := publishWhileRegistering(server, 500, 5*b.unit, versions)
			if err != nil {
				return err
			}
			quiet, busy, versions = append(quiet, alone...), append(busy, beside...), versions+registered
		}
		return nil
	})
	return []row{
		{
			name: fmt.Sprintf("registering %d types", registeredTypes), measured: fmt.Sprintf("%d ms", took.Milliseconds()),
			target: "≤ 1 s", note: fmt.Sprintf("as .proto files, ten types each; %d ms of the server's CPU", cpu.Milliseconds()),
		},
		{
			name: "publish while types are registered", measured: percentiles(busy), limit: percentiles(quiet),
			ratio: fmt.Sprintf("%.2f", ratio(percentile(busy, 50), percentile(quiet, 50))), target: "1.00",
			note: fmt.Sprintf("typed, 500/s; limit: none registered; %d registrations of 20 types", versions),
		},
	}, err
}

// registerAtOnce registers many types on a fresh server.
func (b *bench) registerAtOnce() (wall, cpu time.Duration, err error) {
	var took, used []float64
	for range b.rounds {
		err := b.onServer(func(server *process) error {
			before, began := server.cpu(), time.Now()
			err := register(context.Background(), server, sources(registeredTypes, 0))
			took = append(took, float64(time.Since(began)))
			used = append(used, float64(server.cpu()-before))
			return err
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return time.Duration(median(took)), time.Duration(median(used)), nil
}

func register(ctx context.Context, server *process, files []*postriderv1.SourceFile) error {
	client := postriderv1connect.NewEventTypeServiceClient(http2Client(), "http://"+server.address, connect.WithGRPC())
	_, err := client.RegisterEventTypes(ctx, authorized(&postriderv1.RegisterEventTypesRequest{Files: files, All: true}))
	return err
}

// sources returns event types with some rules, ten to a file. Each version has one field more than the one before.
func sources(types, version int) []*postriderv1.SourceFile {
	var files []*postriderv1.SourceFile
	for first := 0; first < types; first += 10 {
		var text strings.Builder
		fmt.Fprintf(&text, "syntax = \"proto3\";\npackage bench.v%d;\nimport \"buf/validate/validate.proto\";\n", first)
		text.WriteString("import \"google/protobuf/timestamp.proto\";\n")
		for i := first; i < min(first+10, types); i++ {
			fmt.Fprintf(&text, "// Event%d says that something happened.\nmessage Event%d {\n", i, i)
			text.WriteString("  string id = 1 [(buf.validate.field).string.min_len = 1];\n  int64 amount = 2 [(buf.validate.field).int64.gte = 0];\n")
			text.WriteString("  google.protobuf.Timestamp at = 3 [(buf.validate.field).required = true];\n  map<string, string> labels = 4;\n")
			for added := range version {
				fmt.Fprintf(&text, "  string added_%d = %d;\n", added, 10+added)
			}
			text.WriteString("}\n")
		}
		files = append(files, &postriderv1.SourceFile{Path: fmt.Sprintf("bench/v%d/events.proto", first), Content: text.String()})
	}
	return files
}

// publishWhileRegistering publishes, and registers further versions of 20 types in turn for as long as it does.
func publishWhileRegistering(server *process, perSecond int, d time.Duration, version int) (all []time.Duration, registered int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := register(context.WithoutCancel(ctx), server, sources(20, version+registered)); err != nil {
				ended <- err
				return
			}
			registered++
			select {
			case <-ctx.Done():
			case <-time.After(registerPause):
			}
		}
		ended <- nil
	}()
	all, err = publishLatencies(server.address, perSecond, d)
	cancel()
	if fault := <-ended; err == nil {
		err = fault
	}
	return all, registered, err
}

// publishLatencies publishes typed events at a fixed rate, whether or not responses have arrived, and returns how long each took
// from when it was due.
func publishLatencies(address string, perSecond int, d time.Duration) ([]time.Duration, error) {
	const lanes = 32
	ids := newIDSource()
	due := make(chan time.Time, perSecond)
	var mu sync.Mutex
	var all []time.Duration
	var fault error
	var lane sync.WaitGroup
	for range lanes {
		publish, closeConn, err := jsonPublisher(address, typedType, typedData, ids)
		if err != nil {
			return nil, err
		}
		defer closeConn()
		lane.Go(func() {
			for at := range due {
				err := publish(context.Background())
				mu.Lock()
				all = append(all, time.Since(at))
				if err != nil {
					fault = err
				}
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for i := range int(d.Seconds() * float64(perSecond)) {
		at := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(at))
		due <- at
	}
	close(due)
	lane.Wait()
	return all, fault
}

func percentile(values []time.Duration, percent int) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)*percent/100]
}

func percentiles(values []time.Duration) string {
	return fmt.Sprintf("p50 %s p99 %s", ms(percentile(values, 50)), ms(percentile(values, 99)))
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }
