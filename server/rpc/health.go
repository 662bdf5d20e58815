package rpc

import (
	"context"
	"errors"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

// health implements grpc.health.v1: every service is as ready as the server.
type health struct {
	ready func(context.Context) error
	// services are their names.
	services []string
}

func (h health) Check(ctx context.Context, request *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if request.Service != "" && !slices.Contains(h.services, request.Service) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("unknown service"))
	}
	if h.ready(ctx) != nil {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
