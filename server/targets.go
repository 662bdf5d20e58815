package server

import (
	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/nats"
	"github.com/postrider-dev/postrider/server/target/webhook"
)

// newTargets lists the types of target, one line each.
func newTargets(out *egress.Client, config Config) *target.Registry {
	return target.NewRegistry(
		webhook.NewType(out, Version()),
		nats.NewType(out, Version(), config.NATSServers),
	)
}
