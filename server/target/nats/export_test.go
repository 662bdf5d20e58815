package nats

import "net"

// Checked checks what a server sends over a connection.
func Checked(conn net.Conn) net.Conn { return &framed{Conn: conn} }
