package server

import (
	"math"
	"syscall"
)

// connectionReserve is the part of the files a process may have open that is not for connections of clients: the others
// are the database, targets and what is read in between.
const connectionReserve = 4

// maxConnections is how many connections the port takes at a time: room for every stream to have one of its own and for
// requests besides, as far as files may be open.
func maxConnections(maxStreams int, openFiles uint64) int {
	wanted := uint64(2*maxStreams + 1000)
	return int(min(wanted, openFiles-openFiles/connectionReserve))
}

// connections is how many connections the port takes, and says so where streams will lack some.
func (s *Server) connections() int {
	n := maxConnections(s.config.MaxStreams, openFiles())
	if n < s.config.MaxStreams {
		s.logger.Warn("the limit of open files lets fewer connections in than there may be streams; raise it (ulimit -n)",
			"connections", n, "max_streams", s.config.MaxStreams)
	}
	return n
}

// openFiles is how many files the process may have open. Go has raised it as far as the system lets a process at start.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return uint64(limit.Cur)
}
