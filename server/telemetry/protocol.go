package telemetry

import "context"

type protocolKey struct{}

// WithProtocol names the protocol that a call has come over, for its line in the log, where another one serves it.
func WithProtocol(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, protocolKey{}, name)
}

// ProtocolOf returns the protocol that a call has come over: the one that serves it, unless another one is named.
func ProtocolOf(ctx context.Context, serving string) string {
	if name, named := ctx.Value(protocolKey{}).(string); named {
		return name
	}
	return serving
}
