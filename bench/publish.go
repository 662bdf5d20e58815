package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
)

const (
	publishPath = "/postrider.v1.EventService/Publish"
	bearer      = "Authorization: Bearer " + adminKey + "\r\n"
	// publishers is the number of clients that publish at once.
	publishers = 64
)

// Payloads of about 300 bytes.
const (
	untypedType = "order.created"
	untypedData = `{"orderId":"ord_01J9Z8X7W6V5U4T3S2R1Q0P9N8","total":1999,"currency":"EUR","customer":{"id":"cus_8842","name":"Ada Lovelace"},` +
		`"lines":[{"sku":"BOOK-0815","quantity":1,"price":1499},{"sku":"PEN-4711","quantity":2,"price":250}],"note":"leave it at the door, please",` +
		`"created":"2026-01-01T12:00:00Z"}`
	typedType = "shop.v1.OrderPaid"
	typedData = `{"orderId":"ord_01J9Z8X7W6V5U4T3S2R1Q0P9N8","amount":{"currency":"EUR","minorUnits":"1999"},` +
		`"card":{"brand":"visa","lastFour":"4242"},"payTime":"2026-01-01T12:00:00Z"}`
)

// idSource makes ids like our clients: sortable by time, unique in this run.
type idSource struct {
	run  string
	next atomic.Int64
}

func newIDSource() *idSource {
	var raw [4]byte
	_, _ = rand.Read(raw[:])
	return &idSource{run: hex.EncodeToString(raw[:])}
}

// idWidth is the length of every id, which allows a ready-made request to be changed in place.
const idWidth = 12 + 8 + 8

func (s *idSource) put(dst []byte) {
	copy(dst, fmt.Sprintf("%012x%08x%s", time.Now().UnixMilli(), s.next.Add(1), s.run))
}

// publishLoad publishes once for one publisher.
type publishLoad func(ctx context.Context) error

// jsonPublisher returns a publisher that posts plain JSON over a connection of its own.
func jsonPublisher(address, eventType, data string, ids *idSource) (publishLoad, func(), error) {
	conn, err := dialRaw(address)
	if err != nil {
		return nil, nil, err
	}
	blank := fmt.Sprintf("%0*d", idWidth, 0)
	body := fmt.Sprintf(`{"event":{"id":"%s","type":"%s","data":%s}}`, blank, eventType, data)
	request := appendPost(nil, publishPath, address, bearer, []byte(body))
	at := len(request) - len(body) + len(`{"event":{"id":"`)
	return func(context.Context) error {
		ids.put(request[at : at+idWidth])
		status, answer, err := conn.do(request)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("publish: %d %s", status, answer)
		}
		return err
	}, conn.close, nil
}

// http2Client returns a client for cleartext HTTP/2.
func http2Client() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

// grpcPublisher returns a publisher that uses gRPC; publishers share a client.
func grpcPublisher(client postriderv1connect.EventServiceClient, typed bool, data string, ids *idSource) (publishLoad, error) {
	event := &postriderv1.Event{Type: untypedType, Payload: &postriderv1.Event_JsonData{JsonData: data}}
	if typed {
		message := &shopv1.OrderPaid{}
		if err := protojson.Unmarshal([]byte(data), message); err != nil {
			return nil, err
		}
		packed, err := anypb.New(message)
		if err != nil {
			return nil, err
		}
		event = &postriderv1.Event{Type: typedType, Payload: &postriderv1.Event_ProtoData{ProtoData: packed}}
	}
	id := make([]byte, idWidth)
	return func(ctx context.Context) error {
		ids.put(id)
		event.Id = string(id)
		request := connect.NewRequest(&postriderv1.PublishRequest{Event: event})
		request.Header().Set("Authorization", "Bearer "+adminKey)
		_, err := client.Publish(ctx, request)
		return err
	}, nil
}

// publishKind is one way to publish.
type publishKind struct {
	name  string
	grpc  bool
	typed bool
	// unchecked publishes the payload of the typed kind under an event type without a schema.
	unchecked bool
}

// publishRate publishes for a while with all publishers, and returns events per second and the server's CPU time per event.
func publishRate(server *process, kind publishKind, d time.Duration) (rate float64, cpu time.Duration, err error) {
	loads, closeAll, err := publishLoads(server.address, kind, publishers)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll()
	return loopRate(server, loads, d)
}

// loopRate runs loads for a while, after a shorter one to warm up.
func loopRate(server *process, loads []publishLoad, d time.Duration) (rate float64, cpu time.Duration, err error) {
	if _, err := closedLoop(loads, d/4); err != nil {
		return 0, 0, err
	}
	before, began := server.cpu(), time.Now()
	count, err := closedLoop(loads, d)
	if err != nil || count == 0 {
		return 0, 0, errors.Join(err, errors.New("nothing was answered"))
	}
	took := time.Since(began)
	return float64(count) / took.Seconds(), (server.cpu() - before) / time.Duration(count), nil
}

func publishLoads(address string, kind publishKind, n int) ([]publishLoad, func(), error) {
	ids := newIDSource()
	var closers []func()
	closeAll := func() {
		for _, c := range closers {
			c()
		}
	}
	eventType, data := untypedType, untypedData
	switch {
	case kind.typed:
		eventType, data = typedType, typedData
	case kind.unchecked:
		data = typedData
	}
	var client postriderv1connect.EventServiceClient
	loads := make([]publishLoad, n)
	for i := range loads {
		var err error
		if !kind.grpc {
			var c func()
			if loads[i], c, err = jsonPublisher(address, eventType, data, ids); err == nil {
				closers = append(closers, c)
			}
		} else {
			if i%16 == 0 { // a few connections, as a few services would use
				client = postriderv1connect.NewEventServiceClient(http2Client(), "http://"+address, connect.WithGRPC())
			}
			loads[i], err = grpcPublisher(client, kind.typed, data, ids)
		}
		if err != nil {
			closeAll()
			return nil, nil, err
		}
	}
	return loads, closeAll, nil
}

// closedLoop runs every load back to back for a while, and returns the number of publishes.
func closedLoop(loads []publishLoad, d time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var count atomic.Int64
	var wg sync.WaitGroup
	faults := make(chan error, len(loads))
	for _, load := range loads {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := load(context.WithoutCancel(ctx)); err != nil {
					faults <- err
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-faults:
		return count.Load(), err
	default:
		return count.Load(), nil
	}
}
