package server

import (
	"math"
	"syscall"
)

const (
	// fileReserve is the part of the files a process may have open that is for files: the database, logs, and what is read
	// in between. minFiles is the least of it: SQLite's connections alone take 20.
	fileReserve = 10
	minFiles    = 64
	// targetShare is the part of the rest that is for connections to targets; clients have what is left.
	targetShare = 3
)

// socketBounds is how many connections the port takes at a time, and how many may be open to targets.
// Clients get room for every stream to have one of its own and for requests besides, as far as files may be open.
func socketBounds(maxStreams int, openFiles uint64) (clients, targets int) {
	sockets := openFiles - min(max(openFiles/fileReserve, minFiles), openFiles/2)
	wanted := uint64(2*maxStreams + 1000)
	return int(min(wanted, sockets-sockets/targetShare)), int(min(sockets/targetShare, math.MaxInt32))
}

// limitSockets settles the bounds, and says so where streams will lack connections for want of files.
func (s *Server) limitSockets() {
	byFiles, byMemory := 0, s.memory.connections
	byFiles, s.maxTargets = socketBounds(s.config.MaxStreams, openFiles())
	s.maxClients = min(byFiles, byMemory)
	if fewFiles(byFiles, byMemory, s.config.MaxStreams) {
		s.logger.Warn("the limit of open files lets fewer connections in than streams and memory have room for; raise it (ulimit -n)",
			"connections", byFiles, "max_streams", s.config.MaxStreams, "connections_by_memory", byMemory)
	}
}

// fewFiles reports whether more files would let more streams in.
func fewFiles(byFiles, byMemory, maxStreams int) bool { return byFiles < min(byMemory, maxStreams) }

// openFiles is how many files the process may have open. Go has raised it as far as the system lets a process at start.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return uint64(limit.Cur)
}
