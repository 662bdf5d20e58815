package server

// For the tests.
var (
	MaxConnections = maxConnections
	OpenFiles      = openFiles
)
