//go:build !linux && !darwin

package httpserver

import "net"

// boundUnsent does nothing: this operating system has no bound for what it has not sent.
func boundUnsent(net.Conn) {}
