package server

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/postrider-dev/postrider/server/limit"
)

// Bounds of Config.Memory, in MB.
const (
	minMemory     = 64
	maxMemory     = 1 << 20
	defaultMemory = 256
	// mostByDefault is how much a server takes without being asked, however large its container is.
	mostByDefault = 1024
)

// The parts of Config.Memory. What is left beside them, an eighth, is for the program itself and for what has no share of its
// own: lanes, schemas, statistics.
//
//	share   part
//	1/16    tail: the newest events, which deliveries and streams read from memory
//	1/16    frames: what live streams share, events and their encodings
//	1/16    sending: what live streams hold of the pages and large events that are being written to their readers
//	1/16    attempts: what deliveries hold of what they are sending
//	1/16    pages that the SQLite writer keeps
//	1/16    pages that the SQLite readers keep, together
//	1/8     bodies of requests in flight (more where the largest needs more: bodyBytes), and events that wait to be stored
//	3/8     connections of clients, at 32 KB each
//
// The collector works towards all of it but SQLite's pages, which are not its own, and up to a quarter more for large bodies
// beyond their part: told less than what is held it would collect without end. It may be close to that only while bodies and
// connections take their shares; of what is always there, tail and frames, it makes twice as much, a quarter of the whole.
type memorySplit struct {
	tail, frames, sending, attempts, writerPages, readerPages int64
	bodies                                                    int64
	connections                                               int
	// collector is what the Go runtime keeps within.
	collector int64
}

// connectionBytes is what a connection of a client takes, buffers, stacks and all; TestHostileConsumers holds the server to it.
const connectionBytes = 32 << 10

func splitMemory(megabytes int) memorySplit {
	all := int64(megabytes) << 20
	part := all / 16
	return memorySplit{
		tail: part, frames: part, sending: part, attempts: part, writerPages: part, readerPages: part,
		bodies: 2 * part, connections: int(6 * part / connectionBytes), collector: 14 * part,
	}
}

// bodyBytes is the memory for all requests that are being read or worked on: their part, or what the largest one needs where
// that is more, for it is rarely there. Never is it more than three quarters of the whole: in a small container the largest
// request is smaller, too.
func (c Config) bodyBytes() int64 {
	megabytes := c.memory()
	wanted := max(splitMemory(megabytes).bodies, limit.BudgetFor(c.MaxRequestBytes))
	return min(wanted, int64(megabytes)<<20/4*3)
}

// memory is how much the server may use, in MB: what is set, or what the Go runtime was told, or three quarters of what
// the container has, or 256.
func (c Config) memory() int {
	if c.Memory != 0 {
		return c.Memory
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return max(int(limit>>20), minMemory)
	}
	return defaultMemoryOf(containerMemory(os.ReadFile))
}

// defaultMemoryOf is the default in a container with a limit in bytes; 0 for no limit.
func defaultMemoryOf(limit int64) int {
	if limit == 0 {
		return defaultMemory
	}
	return int(min(max(limit/4*3>>20, minMemory), mostByDefault))
}

// LimitMemory tells the Go runtime what the process may use. GOMEMLIMIT stays as it is where it is set.
func (c Config) LimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.collectorBytes())
	}
}

// collectorBytes is what the Go runtime keeps within. With SQLite's pages that is never more than a quarter above the whole,
// which in a container is three quarters of what there is.
func (c Config) collectorBytes() int64 {
	split := splitMemory(c.memory())
	beyond := c.bodyBytes() - split.bodies
	return split.collector + min(beyond, int64(c.memory())<<20/4)
}

// containerMemory is the limit of the control group that the process is in, in bytes; 0 where there is none. In a container
// its own group is the root of what it sees.
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
