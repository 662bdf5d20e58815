package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// slots is the concurrency of the measured subscription and of the bare loop that it is compared with.
const slots = 64

// signedPosts runs the bare loop: it only signs the same body and posts it to the sink, over keep-alive connections.
func signedPosts(sink *process, d time.Duration, dial func(slot int) (*rawConn, error)) (rate float64, err error) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	body := []byte(`{"id":"evt_0","type":"` + untypedType + `","timestamp":"2026-01-01T12:00:00Z","data":` + untypedData + `}`)
	ids := newIDSource()
	loads := make([]publishLoad, slots)
	for i := range loads {
		conn, err := dial(i)
		if err != nil {
			return 0, err
		}
		defer conn.close()
		var request, signed, mac []byte
		var headers strings.Builder
		h := hmac.New(sha256.New, secret)
		id := make([]byte, idWidth)
		loads[i] = func(context.Context) error {
			ids.put(id)
			at := strconv.FormatInt(time.Now().Unix(), 10)
			signed = fmt.Appendf(signed[:0], "%s.%s.", id, at)
			h.Reset()
			_, _ = h.Write(append(signed, body...))
			mac = h.Sum(mac[:0])
			headers.Reset()
			fmt.Fprintf(&headers, "webhook-id: %s\r\nwebhook-timestamp: %s\r\nwebhook-signature: v1,%s\r\n",
				id, at, base64.StdEncoding.EncodeToString(mac))
			request = appendPost(request[:0], "/hook", sink.address, headers.String(), body)
			_, _, err := conn.do(request)
			return err
		}
	}
	began := time.Now()
	count, err := closedLoop(loads, d)
	return float64(count) / time.Since(began).Seconds(), err
}

func subscriptions(server *process) postriderv1connect.SubscriptionServiceClient {
	return postriderv1connect.NewSubscriptionServiceClient(http2Client(), "http://"+server.address, connect.WithGRPC())
}

func authorized[T any](message *T) *connect.Request[T] {
	request := connect.NewRequest(message)
	request.Header().Set("Authorization", "Bearer "+adminKey)
	return request
}

// hooks returns the URLs of a sink's addresses.
func hooks(scheme string, addresses ...string) []string {
	urls := make([]string, len(addresses))
	for i, address := range addresses {
		urls[i] = scheme + "://" + address + "/hook"
	}
	return urls
}

func subscribe(server, sink *process, name, start string) (id string, err error) {
	return subscribeURL(server, hooks("http", sink.address)[0], name, start)
}

func subscribeURL(server *process, url, name, start string) (id string, err error) {
	created, err := subscriptions(server).CreateSubscription(context.Background(), authorized(&postriderv1.CreateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{
			Name: name, Start: start,
			Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{
				Webhook: &targetv1.Webhook{Url: url},
			}},
			Policy: &postriderv1.DeliveryPolicy{Concurrency: slots},
		},
	}))
	if err != nil {
		return "", err
	}
	return created.Msg.GetSubscription().GetId(), nil
}

// fill stores a backlog of n events.
func fill(server *process, n int) error {
	client := postriderv1connect.NewEventServiceClient(http2Client(), "http://"+server.address, connect.WithGRPC())
	ids := newIDSource()
	for n > 0 {
		batch := &postriderv1.PublishBatchRequest{}
		for range min(n, 1000) {
			id := make([]byte, idWidth)
			ids.put(id)
			batch.Events = append(batch.Events, &postriderv1.Event{
				Id: string(id), Type: untypedType, Payload: &postriderv1.Event_JsonData{JsonData: untypedData},
			})
		}
		if _, err := client.PublishBatch(context.Background(), authorized(batch)); err != nil {
			return err
		}
		n -= len(batch.Events)
	}
	return nil
}

// drain measures how fast a stored backlog of n events is delivered to each of the URLs.
func drain(server, sink *process, n int, urls []string) (rate float64, cpu time.Duration, err error) {
	if err := fill(server, n); err != nil {
		return 0, 0, err
	}
	first, err := readSinkStats(sink.address)
	if err != nil {
		return 0, 0, err
	}
	before, began := server.cpu(), time.Now()
	for i, url := range urls {
		if _, err := subscribeURL(server, url, fmt.Sprintf("drain-%d-%d", began.UnixNano(), i), "earliest"); err != nil {
			return 0, 0, err
		}
	}
	deliveries := n * len(urls)
	if err := awaitReceived(sink, first.received+int64(deliveries)); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	return float64(deliveries) / took.Seconds(), (server.cpu() - before) / time.Duration(deliveries), nil
}

func awaitReceived(sink *process, want int64) error {
	last, still := int64(-1), time.Now()
	for {
		stats, err := readSinkStats(sink.address)
		if err != nil {
			return err
		}
		if stats.received >= want {
			return nil
		}
		if stats.received != last {
			last, still = stats.received, time.Now()
		}
		if time.Since(still) > 20*time.Second {
			return fmt.Errorf("deliveries stopped at %d of %d", stats.received, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// together publishes for a while and delivers at the same time. It ends when everything published has been delivered. So no
// event counts whose delivery took no time, and no delivery whose publishing took none.
func together(server, sink *process, d time.Duration) (rate float64, cpu time.Duration, err error) {
	if _, err := subscribe(server, sink, "together", "now"); err != nil {
		return 0, 0, err
	}
	loads, closeAll, err := publishLoads(server.address, publishKind{name: "JSON"}, publishers)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll()
	warm, err := closedLoop(loads, d/5)
	if err != nil {
		return 0, 0, err
	}
	if err := awaitReceived(sink, warm); err != nil {
		return 0, 0, err
	}
	before, began := server.cpu(), time.Now()
	published, err := closedLoop(loads, d)
	if err != nil || published == 0 {
		return 0, 0, errors.Join(err, errors.New("nothing was published"))
	}
	if err := awaitReceived(sink, warm+published); err != nil {
		return 0, 0, err
	}
	return float64(published) / time.Since(began).Seconds(), (server.cpu() - before) / time.Duration(published), nil
}

// firstByte publishes at a fixed rate, whether or not responses have arrived, and returns how long the events took to reach
// the sink.
func firstByte(server, sink *process, perSecond int, d time.Duration) (sinkStats, error) {
	id, err := subscribe(server, sink, fmt.Sprintf("latency-%d", time.Now().UnixNano()), "now")
	if err != nil {
		return sinkStats{}, err
	}
	if err := openLoop(server.address, perSecond, d/5); err != nil {
		return sinkStats{}, err
	}
	if _, err := readSinkStats(sink.address); err != nil { // discards the latencies of the warm-up
		return sinkStats{}, err
	}
	if err := openLoop(server.address, perSecond, d); err != nil {
		return sinkStats{}, err
	}
	time.Sleep(200 * time.Millisecond) // for the last deliveries
	stats, err := readSinkStats(sink.address)
	if err != nil {
		return stats, err
	}
	_, err = subscriptions(server).DeleteSubscription(context.Background(), authorized(&postriderv1.DeleteSubscriptionRequest{Id: id}))
	return stats, err
}

// openLoop starts a publish at each tick. Each event carries the time at which it was due, so that waiting counts.
func openLoop(address string, perSecond int, d time.Duration) error {
	_, err := timedLoop(address, perSecond, d)
	return err
}

// timedLoop is like openLoop, and returns the latencies of the responses, from the time at which each request was due.
func timedLoop(address string, perSecond int, d time.Duration) (sinkStats, error) {
	const lanes = 32
	due := make(chan time.Time, perSecond)
	var mu sync.Mutex
	var took []time.Duration
	var group errgroup.Group
	for range lanes {
		conn, err := dialRaw(address)
		if err != nil {
			return sinkStats{}, err
		}
		defer conn.close()
		group.Go(func() error {
			for at := range due {
				if err := publishDue(conn, address, at); err != nil {
					return err
				}
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
			}
			return nil
		})
	}
	began := time.Now()
	for i := range int(d.Seconds() * float64(perSecond)) {
		at := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(at))
		due <- at
	}
	close(due)
	err := group.Wait()
	slices.Sort(took)
	return statsOf(took), err
}

func publishDue(conn *rawConn, address string, at time.Time) error {
	body := fmt.Appendf(nil, `{"event":{"type":"latency.probe","data":{"sent_ns":%d,"pad":"%0240d"}}}`, at.UnixNano(), 0)
	status, answer, err := conn.do(appendPost(nil, publishPath, address, bearer, body))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("publish: %d %s", status, answer)
	}
	return err
}

// statsOf returns the quantiles of sorted times.
func statsOf(took []time.Duration) sinkStats {
	s := sinkStats{received: int64(len(took)), samples: int64(len(took))}
	if last := float64(len(took) - 1); last >= 0 {
		s.p50, s.p99, s.worst = took[int(0.5*last)], took[int(0.99*last)], took[int(last)]
	}
	return s
}
