package server

import "github.com/postrider-dev/postrider/server/target/nats"

// For the tests.
var (
	SocketBounds    = socketBounds
	OpenFiles       = openFiles
	FewFiles        = fewFiles
	ContainerMemory = containerMemory
	DefaultMemoryOf = defaultMemoryOf
)

// PartsOfMemory is the sum of the parts of a number of megabytes.
func PartsOfMemory(megabytes int, withNATS bool) int64 {
	s := splitMemory(megabytes, withNATS)
	return s.tail + s.frames + s.sending + s.attempts + s.writerPages + s.readerPages + s.bodies +
		int64(s.connections)*connectionBytes + int64(s.toNATS)*nats.ConnectionBytes
}

// BodyBytes is the budget of requests of a configuration.
func BodyBytes(c Config) int64 { return c.bodyBytes() }

// CollectorBytes is what the Go runtime keeps within.
func CollectorBytes(c Config) int64 { return c.collectorBytes() }
