//go:build !linux && !darwin

package httpserver

import "net"

// boundUnsent does nothing: this operating system has no limit for unsent data.
func boundUnsent(net.Conn) {}
