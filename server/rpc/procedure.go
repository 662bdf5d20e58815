package rpc

import (
	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/gateway"
)

// requirement is what a procedure requires of its caller.
type requirement struct {
	// scope is the one the key must have. Without one only an admin key will do.
	scope gateway.Scope
	// anyKey procedures need a key, whatever its scope.
	anyKey bool
	// open procedures need no key at all.
	open bool
	// signsIn procedures are rate limited as sign-ins.
	signsIn bool
	// orTicket procedures accept a ticket in the message from a caller without a sufficient key or session.
	orTicket bool
	// wholeServer procedures need a key that is confined to no tenant.
	wholeServer bool
}

// requirements names every procedure. One that is not here is for admin keys.
var requirements = map[string]requirement{
	postriderv1connect.SessionServiceCreateSessionProcedure: {open: true, signsIn: true},
	postriderv1connect.SessionServiceDeleteSessionProcedure: {open: true},
	postriderv1connect.SessionServiceGetSessionProcedure:    {anyKey: true},

	postriderv1connect.TenantServiceCreateTenantProcedure: {scope: gateway.ScopeAdmin, wholeServer: true},
	postriderv1connect.TenantServiceListTenantsProcedure:  {anyKey: true},
	postriderv1connect.TenantServiceUpdateTenantProcedure: {scope: gateway.ScopeAdmin},

	postriderv1connect.ApiKeyServiceCreateApiKeyProcedure: {scope: gateway.ScopeAdmin},
	postriderv1connect.ApiKeyServiceListApiKeysProcedure:  {scope: gateway.ScopeAdmin},
	postriderv1connect.ApiKeyServiceRevokeApiKeyProcedure: {scope: gateway.ScopeAdmin},

	postriderv1connect.EventServicePublishProcedure:            {scope: gateway.ScopePublish},
	postriderv1connect.EventServicePublishBatchProcedure:       {scope: gateway.ScopePublish},
	postriderv1connect.EventServicePublishStreamProcedure:      {scope: gateway.ScopePublish},
	postriderv1connect.EventServiceSubscribeProcedure:          {scope: gateway.ScopeConsume},
	postriderv1connect.EventServiceCreateStreamTicketProcedure: {scope: gateway.ScopeConsume},
	postriderv1connect.EventServiceGetEventProcedure:           {scope: gateway.ScopeConsume},
	postriderv1connect.EventServiceListEventsProcedure:         {scope: gateway.ScopeConsume},

	postriderv1connect.EventTypeServiceRegisterEventTypesProcedure: {scope: gateway.ScopeAdmin, wholeServer: true},
	postriderv1connect.EventTypeServiceListEventTypesProcedure:     {anyKey: true},
	postriderv1connect.EventTypeServiceGetEventTypeProcedure:       {anyKey: true},
	postriderv1connect.EventTypeServiceDiffEventTypeProcedure:      {anyKey: true},
	postriderv1connect.EventTypeServiceUpdateEventTypeProcedure:    {scope: gateway.ScopeAdmin},
	postriderv1connect.EventTypeServiceDeleteEventTypeProcedure:    {scope: gateway.ScopeAdmin, wholeServer: true},
	postriderv1connect.EventTypeServiceGetSchemasProcedure:         {anyKey: true},

	postriderv1connect.SubscriptionServiceGetSubscriptionProcedure:          {scope: gateway.ScopeConsume},
	postriderv1connect.SubscriptionServiceListSubscriptionsProcedure:        {scope: gateway.ScopeConsume},
	postriderv1connect.SubscriptionServiceCreateSubscriptionProcedure:       {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServiceUpdateSubscriptionProcedure:       {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServiceDeleteSubscriptionProcedure:       {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServicePauseSubscriptionProcedure:        {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServiceResumeSubscriptionProcedure:       {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServiceTestSubscriptionProcedure:         {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServiceRevealSubscriptionSecretProcedure: {scope: gateway.ScopeAdmin},
	postriderv1connect.SubscriptionServiceTestFilterProcedure:               {scope: gateway.ScopeConsume},

	postriderv1connect.DeliveryServiceListDeliveriesProcedure:  {scope: gateway.ScopeConsume},
	postriderv1connect.DeliveryServiceGetDeliveryProcedure:     {scope: gateway.ScopeConsume},
	postriderv1connect.DeliveryServiceWatchDeliveriesProcedure: {scope: gateway.ScopeConsume},
	postriderv1connect.DeliveryServiceRetryDeliveryProcedure:   {scope: gateway.ScopeAdmin},

	postriderv1connect.StreamServiceListStreamsProcedure:      {scope: gateway.ScopeAdmin},
	postriderv1connect.StreamServiceWatchStreamsProcedure:     {scope: gateway.ScopeAdmin},
	postriderv1connect.StreamServiceDisconnectStreamProcedure: {scope: gateway.ScopeAdmin},
	postriderv1connect.StreamServiceRenewStreamProcedure:      {scope: gateway.ScopeConsume, orTicket: true},

	postriderv1connect.StatsServiceWatchProcedure: {scope: gateway.ScopeConsume},
}

// permit returns nil if the caller meets the requirement.
func (r requirement) permit(caller gateway.Principal) error {
	if !r.anyKey && !caller.Scopes.Has(r.scope) {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"this needs a key with scope %s", scopeName(r.scope))
	}
	if r.wholeServer && !caller.ServerScoped() {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"this needs a key that is confined to no tenant")
	}
	return nil
}

func scopeName(scope gateway.Scope) string {
	switch scope {
	case gateway.ScopePublish:
		return "publish"
	case gateway.ScopeConsume:
		return "consume"
	default:
		return "admin"
	}
}
