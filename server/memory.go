package server

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/target/nats"
)

// Limits and default of Config.Memory, in MB.
const (
	minMemory     = 64
	maxMemory     = 1 << 20
	defaultMemory = 256
	// mostByDefault limits the default, however large the container is.
	mostByDefault = 1024
)

// The parts of Config.Memory. The rest, an eighth, is for the program itself and for everything without a part of its own:
// lanes, schemas, statistics.
//
//	share   part
//	1/16    tail: the newest events, which deliveries and streams read from memory; the oldest are dropped (tail/tail.go, trim)
//	1/16    frames: events and their encodings that live streams share; the oldest are dropped (stream/shared.go)
//	1/16    sending: pages and large events that live streams are writing to their readers; further ones wait (stream/room.go)
//	1/16    attempts: events that deliveries are sending; further attempts wait (deliver/turns.go)
//	1/16    pages of the SQLite writer
//	1/16    pages of all SQLite readers
//	1/8     bodies of requests in flight (more if the largest needs more: bodyBytes); further requests are refused (limit/budget.go)
//	        events that wait to be stored; further ones are refused (store/queue.go)
//	5/16    connections of clients, at 32 KB each; further ones are closed (httpserver/listener.go)
//	1/16    connections to NATS servers; further attempts wait (egress/longlived.go). Where the operator names no NATS servers, clients have
//	        this part, too
//
// The limit of the collector is the whole less SQLite's pages, which it does not manage, and up to a quarter more for large
// bodies beyond their part: with a limit below the memory in use it would collect without end. Memory use comes close to the
// limit only while bodies and connections use their parts. For tail and frames, which are always in use, the collector needs
// twice their size, a quarter of the whole.
type memorySplit struct {
	tail, frames, sending, attempts, writerPages, readerPages int64
	bodies                                                    int64
	// connections and toNATS are numbers of connections.
	connections, toNATS int
	// collector is the limit of the Go runtime.
	collector int64
}

// connectionBytes is the memory of a client connection, including buffers and stacks. TestHostileConsumers checks it.
const connectionBytes = 32 << 10

func splitMemory(megabytes int, withNATS bool) memorySplit {
	all := int64(megabytes) << 20
	part := all / 16
	split := memorySplit{
		tail: part, frames: part, sending: part, attempts: part, writerPages: part, readerPages: part,
		bodies: 2 * part, connections: int(6 * part / connectionBytes), collector: 14 * part,
	}
	if withNATS {
		split.connections, split.toNATS = int(5*part/connectionBytes), int(part/nats.ConnectionBytes)
	}
	return split
}

// split returns the parts of the server's memory.
func (c Config) split() memorySplit { return splitMemory(c.memory(), len(c.NATSServers) > 0) }

// bodyBytes returns the memory for all requests that are being read or handled: their part, or the size that the largest
// request needs if that is more, because it is rare. It is never more than three quarters of the whole: in a small container
// the largest request is smaller, too.
func (c Config) bodyBytes() int64 {
	megabytes := c.memory()
	wanted := max(c.split().bodies, limit.BudgetFor(c.MaxRequestBytes))
	return min(wanted, int64(megabytes)<<20/4*3)
}

// memory returns the memory of the server in MB: the setting, or the limit of the Go runtime, or three quarters of the memory
// of the container, or 256.
func (c Config) memory() int {
	if c.Memory != 0 {
		return c.Memory
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return max(int(limit>>20), minMemory)
	}
	return defaultMemoryOf(containerMemory(os.ReadFile))
}

// defaultMemoryOf returns the default for a container with a limit in bytes; 0 means no limit.
func defaultMemoryOf(limit int64) int {
	if limit == 0 {
		return defaultMemory
	}
	return int(min(max(limit/4*3>>20, minMemory), mostByDefault))
}

// LimitMemory sets the memory limit of the Go runtime, unless GOMEMLIMIT is set.
func (c Config) LimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.collectorBytes())
	}
}

// collectorBytes returns the limit of the Go runtime. Together with SQLite's pages it is never more than a quarter above the
// whole, which in a container is three quarters of its memory.
func (c Config) collectorBytes() int64 {
	split := c.split()
	beyond := c.bodyBytes() - split.bodies
	return split.collector + min(beyond, int64(c.memory())<<20/4)
}

// containerMemory returns the memory limit of the control group of the process, in bytes; 0 if there is none. In a container,
// its own group is the root of the visible hierarchy.
func containerMemory(read func(name string) ([]byte, error)) int64 {
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path, with no controllers in version 2
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		if fields[1] != "" && fields[1] != "memory" {
			continue
		}
		for path := strings.TrimSuffix(fields[2], "/"); ; path = path[:strings.LastIndexByte(path, '/')] {
			if limit := groupLimit(read, root+path+"/"+file); limit > 0 && (least == 0 || limit < least) {
				least = limit
			}
			if path == "" || strings.LastIndexByte(path, '/') < 0 {
				break
			}
		}
	}
	return least
}

// unlimited is above what version 1 says where there is no limit: the largest number of whole pages.
const unlimited = 1 << 60

func groupLimit(read func(string) ([]byte, error), file string) int64 {
	text, err := read(file)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || limit >= unlimited { // "max"
		return 0
	}
	return limit
}
