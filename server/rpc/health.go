package rpc

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
)

// serviceNames are the services of the API.
func serviceNames() []string {
	return []string{
		postriderv1connect.SessionServiceName, postriderv1connect.TenantServiceName,
		postriderv1connect.ApiKeyServiceName, postriderv1connect.EventServiceName, postriderv1connect.EventTypeServiceName,
		postriderv1connect.SubscriptionServiceName, postriderv1connect.DeliveryServiceName,
		postriderv1connect.StatsServiceName,
	}
}

// health answers grpc.health.v1: every service is as ready as the server.
type health struct {
	ready func(context.Context) error
}

func (h health) Check(ctx context.Context, request *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if !knownService(request.Service) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no such service"))
	}
	if h.ready(ctx) != nil {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}

func knownService(name string) bool {
	if name == "" {
		return true
	}
	for _, known := range serviceNames() {
		if name == known {
			return true
		}
	}
	return false
}
