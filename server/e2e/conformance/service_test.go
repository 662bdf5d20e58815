package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	conformancev1 "github.com/postrider-dev/postrider/gen/conformance/connectrpc/conformance/v1"
	"github.com/postrider-dev/postrider/gen/conformance/connectrpc/conformance/v1/conformancev1connect"
)

// suiteService is the service that the conformance suite calls: each request says how it is to be answered, and
// the answer says what arrived. What it does is written at the service in the suite's service.proto.
type suiteService struct {
	conformancev1connect.UnimplementedConformanceServiceHandler
}

func (suiteService) Unary(
	ctx context.Context, request *connect.Request[conformancev1.UnaryRequest],
) (*connect.Response[conformancev1.UnaryResponse], error) {
	definition := request.Msg.GetResponseDefinition()
	payload, err := answerOnce(ctx, arrivedIn(request), definition)
	if err != nil {
		return nil, err
	}
	return defined(&conformancev1.UnaryResponse{Payload: payload}, definition), nil
}

func (suiteService) IdempotentUnary(
	ctx context.Context, request *connect.Request[conformancev1.IdempotentUnaryRequest],
) (*connect.Response[conformancev1.IdempotentUnaryResponse], error) {
	definition := request.Msg.GetResponseDefinition()
	payload, err := answerOnce(ctx, arrivedIn(request), definition)
	if err != nil {
		return nil, err
	}
	return defined(&conformancev1.IdempotentUnaryResponse{Payload: payload}, definition), nil
}

func (suiteService) ClientStream(
	ctx context.Context, stream *connect.ClientStream[conformancev1.ClientStreamRequest],
) (*connect.Response[conformancev1.ClientStreamResponse], error) {
	seen := arrived{header: stream.RequestHeader(), query: stream.Peer().Query}
	var definition *conformancev1.UnaryResponseDefinition
	for stream.Receive() {
		if len(seen.messages) == 0 {
			definition = stream.Msg().GetResponseDefinition()
		}
		if err := seen.add(stream.Msg()); err != nil {
			return nil, err
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	payload, err := answerOnce(ctx, seen, definition)
	if err != nil {
		return nil, err
	}
	return defined(&conformancev1.ClientStreamResponse{Payload: payload}, definition), nil
}

func (suiteService) ServerStream(
	ctx context.Context, request *connect.Request[conformancev1.ServerStreamRequest],
	stream *connect.ServerStream[conformancev1.ServerStreamResponse],
) error {
	definition := request.Msg.GetResponseDefinition()
	addHeaders(stream.ResponseHeader(), definition.GetResponseHeaders())
	addHeaders(stream.ResponseTrailer(), definition.GetResponseTrailers())
	out := answers{definition: definition, send: func(payload *conformancev1.ConformancePayload) error {
		return stream.Send(&conformancev1.ServerStreamResponse{Payload: payload})
	}}
	if len(definition.GetResponseData()) > 0 {
		if err := stream.Send(nil); err != nil {
			return err
		}
	}
	return out.finish(ctx, arrivedIn(request))
}

func (suiteService) BidiStream(
	ctx context.Context, stream *connect.BidiStream[conformancev1.BidiStreamRequest, conformancev1.BidiStreamResponse],
) error {
	seen := arrived{header: stream.RequestHeader(), query: stream.Peer().Query}
	out := answers{send: func(payload *conformancev1.ConformancePayload) error {
		return stream.Send(&conformancev1.BidiStreamResponse{Payload: payload})
	}}
	fullDuplex := false
	for first := true; ; first = false {
		request, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if err := seen.add(request); err != nil {
			return err
		}
		if first {
			out.definition, fullDuplex = request.GetResponseDefinition(), request.GetFullDuplex()
			addHeaders(stream.ResponseHeader(), out.definition.GetResponseHeaders())
			addHeaders(stream.ResponseTrailer(), out.definition.GetResponseTrailers())
		}
		if !fullDuplex {
			continue
		}
		if !out.left() {
			break
		}
		if first {
			if err := stream.Send(nil); err != nil {
				return err
			}
		}
		if err := out.next(ctx, seen); err != nil {
			return err
		}
		seen.messages = nil
	}
	// A client that sends everything first reads nothing before; only now the headers may go ahead of the answers.
	if !fullDuplex && out.left() {
		if err := stream.Send(nil); err != nil {
			return err
		}
	}
	return out.finish(ctx, seen)
}

// answerOnce makes the only answer of a call, or its error.
func answerOnce(
	ctx context.Context, seen arrived, definition *conformancev1.UnaryResponseDefinition,
) (*conformancev1.ConformancePayload, error) {
	info := seen.info(ctx)
	if definition.GetError() != nil {
		fault, err := definedError(definition.GetError(), info)
		if err != nil {
			return nil, err
		}
		addHeaders(fault.Meta(), definition.GetResponseHeaders())
		addHeaders(fault.Meta(), definition.GetResponseTrailers())
		return nil, fault
	}
	if err := pause(ctx, definition.GetResponseDelayMs()); err != nil {
		return nil, err
	}
	return &conformancev1.ConformancePayload{Data: definition.GetResponseData(), RequestInfo: info}, nil
}

// answers are those of a stream.
type answers struct {
	definition *conformancev1.StreamResponseDefinition
	send       func(*conformancev1.ConformancePayload) error
	sent       int
}

func (a *answers) left() bool { return a.sent < len(a.definition.GetResponseData()) }

// next sends one answer. The first one tells all that arrived, later ones the messages since.
func (a *answers) next(ctx context.Context, seen arrived) error {
	payload := &conformancev1.ConformancePayload{Data: a.definition.GetResponseData()[a.sent]}
	switch {
	case a.sent == 0:
		payload.RequestInfo = seen.info(ctx)
	case len(seen.messages) > 0:
		payload.RequestInfo = &conformancev1.ConformancePayload_RequestInfo{Requests: seen.messages}
	}
	if err := pause(ctx, a.definition.GetResponseDelayMs()); err != nil {
		return err
	}
	if err := a.send(payload); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	a.sent++
	return nil
}

// finish sends what is left, and ends the stream as it is to end.
func (a *answers) finish(ctx context.Context, seen arrived) error {
	for a.left() {
		if err := a.next(ctx, seen); err != nil {
			return err
		}
		seen.messages = nil
	}
	if a.definition.GetError() == nil {
		return nil
	}
	var told []proto.Message
	if a.sent == 0 {
		told = append(told, seen.info(ctx))
	}
	fault, err := definedError(a.definition.GetError(), told...)
	if err != nil {
		return err
	}
	return fault
}

// arrived is what came with a call.
type arrived struct {
	header   http.Header
	query    url.Values
	messages []*anypb.Any
}

func arrivedIn[T any](request *connect.Request[T]) arrived {
	seen := arrived{header: request.Header(), query: request.Peer().Query}
	if message, ok := request.Any().(proto.Message); ok {
		_ = seen.add(message) // A message that arrived can be packed.
	}
	return seen
}

func (a *arrived) add(message proto.Message) error {
	packed, err := anypb.New(message)
	if err != nil {
		return err
	}
	a.messages = append(a.messages, packed)
	return nil
}

func (a *arrived) info(ctx context.Context) *conformancev1.ConformancePayload_RequestInfo {
	info := &conformancev1.ConformancePayload_RequestInfo{RequestHeaders: headersOf(a.header), Requests: a.messages}
	if deadline, ok := ctx.Deadline(); ok {
		info.TimeoutMs = proto.Int64(time.Until(deadline).Milliseconds())
	}
	if len(a.query) > 0 {
		info.ConnectGetInfo = &conformancev1.ConformancePayload_ConnectGetInfo{QueryParams: headersOf(a.query)}
	}
	return info
}

// defined puts the metadata that an answer is to have onto it.
func defined[T any](message *T, definition *conformancev1.UnaryResponseDefinition) *connect.Response[T] {
	response := connect.NewResponse(message)
	addHeaders(response.Header(), definition.GetResponseHeaders())
	addHeaders(response.Trailer(), definition.GetResponseTrailers())
	return response
}

// definedError makes the error that a call is to end with, with further details.
func definedError(definition *conformancev1.Error, further ...proto.Message) (*connect.Error, error) {
	fault := connect.NewError(connect.Code(definition.GetCode()), errors.New(definition.GetMessage()))
	for _, packed := range definition.GetDetails() {
		further = append(further, packed)
	}
	for _, message := range further {
		detail, err := connect.NewErrorDetail(message)
		if err != nil {
			return nil, err
		}
		fault.AddDetail(detail)
	}
	return fault, nil
}

func addHeaders(to http.Header, headers []*conformancev1.Header) {
	for _, header := range headers {
		for _, value := range header.GetValue() {
			to.Add(header.GetName(), value)
		}
	}
}

func headersOf(values map[string][]string) []*conformancev1.Header {
	headers := make([]*conformancev1.Header, 0, len(values))
	for name, value := range values {
		headers = append(headers, &conformancev1.Header{Name: name, Value: value})
	}
	return headers
}

// pause waits as long as a definition asks, and reports whether the call is over by then. It does not end with the call:
// at a deadline both ends would close in the same millisecond, and the suite takes a torn answer for a fault.
func pause(ctx context.Context, count uint32) error {
	<-time.After(time.Duration(count) * time.Millisecond)
	return ctx.Err()
}
