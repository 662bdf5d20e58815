package server

import (
	"net/http"

	"github.com/postrider-dev/postrider/server/contract"
)

// Edge mounts a protocol besides RPC, such as REST or GraphQL, on the port of the server. It calls the methods of the contract for its
// clients. An edge is a package of its own; imports_test.go says what it may import.
type Edge func(*contract.Contract, *http.ServeMux)

// edges lists the built-in edges, one line each. There is none yet.
var edges []Edge

// WithEdge mounts one more edge.
func WithEdge(edge Edge) Option {
	return func(s *Server) { s.edges = append(s.edges, edge) }
}
