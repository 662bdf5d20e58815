package live

import (
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Renew lets a tenant's stream of events go on under another caller.
func (r *Registry) Renew(tenant gateway.TenantID, id string, c access.Caller) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	opened, err := r.find(tenant, id)
	if err != nil {
		return err
	}
	if !c.MayRead(opened.events.filters) {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"the stream carries what the ticket does not show")
	}
	opened.caller = c
	return nil
}

// RenewConnection lets a connection and its streams of events go on under another caller.
func (r *Registry) RenewConnection(connection *Stream, subscriptions map[*Stream]struct{}, c access.Caller) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for opened := range subscriptions {
		if err := opened.mayGoOn(c); err != nil {
			return err
		}
	}
	if !connection.caller.Known() {
		// Until now it was counted for nobody.
		who := newHolder(c, connection.from)
		if err := r.held.add(who); err != nil {
			return err
		}
		r.held.remove(connection.holder)
		connection.holder = who
	}
	connection.caller = c
	for opened := range subscriptions {
		opened.caller = c
	}
	return nil
}

// mayGoOn returns why a caller may not take over a stream that another one has opened; nil if it may. It is called with
// Registry.mu held.
func (s *Stream) mayGoOn(c access.Caller) error {
	if err := access.Require(c.Principal, access.EventsRead); err != nil {
		return err
	}
	if !c.ServerScoped() && c.Tenant != s.events.tenant.ID {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"a subscription of the connection is for another tenant")
	}
	if !c.MayRead(s.events.filters) {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"a subscription of the connection carries what the ticket does not show")
	}
	return nil
}
