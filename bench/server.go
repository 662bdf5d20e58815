package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/store"
)

// schemas is the file with the example customer's schemas, relative to the repository's root.
const schemas = "gen/descriptors/shop.v1.binpb"

// profileVariable names the file for the server's CPU profile; %d stands for the process.
const profileVariable = "POSTRIDER_BENCH_PROFILE"

// benchMemory is the memory limit of the servers, in MB. It is enough for 5,000 clients, although one address gets only half
// of what is allowed. memoryVariable sets the limit for one server.
const (
	benchMemory    = 2048
	memoryVariable = "POSTRIDER_BENCH_MEMORY"
)

// sideVariable is the address at which a server of the bench reports its memory.
const sideVariable = "POSTRIDER_BENCH_SIDE"

// serveMemory serves the size of heap and stacks after a collection.
func serveMemory(address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /memory", func(w http.ResponseWriter, _ *http.Request) {
		runtime.GC()
		runtime.GC() // the second collection frees what pools hold
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		_, _ = fmt.Fprintln(w, stats.HeapInuse+stats.StackInuse)
	})
	side := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	_ = side.ListenAndServe() // a failure shows when the memory is read
}

func startProfile(pattern string) (stop func(), err error) {
	file, err := os.Create(fmt.Sprintf(pattern, os.Getpid()))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }, nil
}

// noStore acknowledges appends without storing them.
type noStore struct {
	*store.Store
	head atomic.Int64
}

func (n *noStore) Append(_ context.Context, _ int64, events []store.NewEvent) ([]store.Appended, error) {
	results := make([]store.Appended, len(events))
	for i := range results {
		results[i].Position = gateway.Position(n.head.Add(1))
	}
	return results, nil
}

// serverMain is the server as a process of its own: bench server ADDRESS FOLDER.
func serverMain(address, folder string, withoutStore bool) int {
	if err := serve(address, folder, withoutStore); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serve(address, folder string, withoutStore bool) error {
	if file := os.Getenv(profileVariable); file != "" {
		stop, err := startProfile(file)
		if err != nil {
			return err
		}
		defer stop()
	}
	go serveMemory(os.Getenv(sideVariable))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config := server.DefaultConfig()
	config.Listen, config.Data, config.Schemas, config.LogLevel = address, folder, schemas, "warn"
	config.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	config.AdminKey = adminKey
	config.MaxStreams = 50_000 // one client has at most a third of them
	config.Memory = benchMemory
	if text := os.Getenv(memoryVariable); text != "" {
		config.Memory, _ = strconv.Atoi(text)
	}
	config.LimitMemory()
	var options []server.Option
	if withoutStore {
		options = append(options, server.WithLog(func(s *store.Store) publish.Log { return &noStore{Store: s} }))
	}
	s, err := server.New(ctx, config, os.Stderr, options...)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return s.Run(ctx)
}
