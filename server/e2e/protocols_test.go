package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
	"github.com/postrider-dev/postrider/server/grpctest"
)

const protocolTimeout = 60 * time.Second

// sent is what one producer publishes and every reader must read back. Data is the text of a JSON object.
type sent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Source  string `json:"source"`
	Subject string `json:"subject"`
	Time    string `json:"time"`
	Data    string `json:"data"`
}

// task is what one producer is asked to do.
type task struct {
	URL     string `json:"url"`
	Key     string `json:"key"`
	Untyped sent   `json:"untyped"`
	Typed   sent   `json:"typed"`
}

const (
	// A number beyond what a double holds, one with a trailing zero, a key named @type, keys out of order.
	untypedData = `{"total":9007199254740993,"orderId":"42","price":1.10,"@type":"not a message","note":"é ☃ <&> \" 名","lines":[{"sku":"B-2","n":1e2},null,true,[]],"empty":{}}`
	typedData   = `{"orderId":"42","amount":{"currency":"EUR","minorUnits":9007199254740993},"giftCardCode":"ABCDEF012345","payTime":"2026-03-01T08:00:00.000000007Z"}`
	// typedRead is typedData as protobuf's JSON mapping writes it.
	typedRead = `{"orderId":"42","amount":{"currency":"EUR","minorUnits":"9007199254740993"},"giftCardCode":"ABCDEF012345","payTime":"2026-03-01T08:00:00.000000007Z"}`
)

func newTask(s *server, producer string) task {
	event := func(kind, eventType, data string) sent {
		return sent{
			ID: producer + ":" + kind, Type: eventType, Source: "https://shop.example/checkout?from=" + producer,
			Subject: "order 42 / ünï ☃", Time: "2026-03-01T12:34:56.789123456Z", Data: data,
		}
	}
	return task{
		URL: s.url(), Key: adminKey,
		Untyped: event("untyped", "order.created", untypedData), Typed: event("typed", "shop.v1.OrderPaid", typedData),
	}
}

// TestProtocols publishes the same two events through every way in and reads each back through every way out.
func TestProtocols(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	s := newServer(t, "--cors-origins", site.origin)
	s.mustStart()
	producers := []struct {
		name    string
		publish func(*testing.T, task) []string
	}{
		{"curl", publishByCurl},
		{"grpc-go", publishByGRPC},
		{"node", publishByNode(site)},
		{"chromium", publishByChromium(site)},
		{"cli", publishByCLI},
	}
	var all []sent
	for _, producer := range producers {
		t.Run("publish by "+producer.name, func(t *testing.T) {
			job := newTask(s, producer.name)
			ids := producer.publish(t, job)
			if want := []string{job.Untyped.ID, job.Typed.ID}; fmt.Sprint(ids) != fmt.Sprint(want) {
				t.Fatalf("acknowledged as %q, want %q", ids, want)
			}
			job.Typed.Data = typedRead
			all = append(all, job.Untyped, job.Typed)
		})
	}
	readers := []struct {
		name string
		read func(*testing.T, *server, int) map[string]sent
	}{
		{"JSON", readByJSON},
		{"GET", readByGET},
		{"gRPC", readByGRPC},
		{"gRPC with generated messages", readTyped},
		{"CLI", readByCLI},
	}
	for _, reader := range readers {
		t.Run("read by "+reader.name, func(t *testing.T) {
			events := reader.read(t, s, len(all))
			for _, want := range all {
				if got := events[want.ID]; got != want {
					t.Errorf("%s reads back as\n%+v, want\n%+v", want.ID, got, want)
				}
			}
			if len(events) != len(all) {
				t.Errorf("%d events", len(events))
			}
		})
	}
	t.Run("no publish by GET", func(t *testing.T) { refusesGET(t, s) })
}

// publishByCurl is the line of the README.
func publishByCurl(t *testing.T, job task) (ids []string) {
	for _, event := range []sent{job.Untyped, job.Typed} {
		body := fmt.Sprintf(`{"event":{"id":%q,"type":%q,"source":%q,"subject":%s,"time":%q,"data":%s}}`,
			event.ID, event.Type, event.Source, quoteJSON(event.Subject), event.Time, event.Data)
		var ack struct{ ID, Cursor string }
		parse(t, post(t, job.URL+"/postrider.v1.EventService/Publish", body), &ack)
		ids = append(ids, ack.ID)
	}
	return ids
}

// post posts JSON with curl, or where there is none as curl does.
func post(t *testing.T, url, body string) []byte {
	t.Helper()
	if curl, err := exec.LookPath("curl"); err == nil {
		return run(t, "", nil, curl, "--silent", "--show-error", "--fail-with-body", "--max-time", "20",
			"-H", "Authorization: Bearer "+adminKey, "-H", "Content-Type: application/json", "-d", body, url)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return do(t, request, http.StatusOK)
}

// do sends a request with the key and returns the body of a response that must have the status.
func do(t *testing.T, request *http.Request, status int) []byte {
	t.Helper()
	request.Header.Set("Authorization", "Bearer "+adminKey)
	client := &http.Client{Timeout: patience}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("%s %s answered %s, want %d\n%s", request.Method, request.URL.Path, response.Status, status, body)
	}
	return body
}

func newGRPC(t *testing.T, s string) (context.Context, grpctest.Events) {
	t.Helper()
	conn, err := grpc.NewClient(strings.TrimPrefix(s, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), protocolTimeout)
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminKey), grpctest.Events{Connection: conn}
}

func publishByGRPC(t *testing.T, job task) (ids []string) {
	ctx, events := newGRPC(t, job.URL)
	var paid shopv1.OrderPaid
	if err := protojson.Unmarshal([]byte(job.Typed.Data), &paid); err != nil {
		t.Fatal(err)
	}
	packed, err := anypb.New(&paid)
	if err != nil {
		t.Fatal(err)
	}
	untyped, typed := attributes(t, job.Untyped), attributes(t, job.Typed)
	untyped.Payload = &postriderv1.Event_JsonData{JsonData: job.Untyped.Data}
	typed.Payload = &postriderv1.Event_ProtoData{ProtoData: packed}
	for _, event := range []*postriderv1.Event{untyped, typed} {
		ack, err := events.Publish(ctx, &postriderv1.PublishRequest{Event: event})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ack.GetId())
	}
	return ids
}

func attributes(t *testing.T, event sent) *postriderv1.Event {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, event.Time)
	if err != nil {
		t.Fatal(err)
	}
	return &postriderv1.Event{
		Id: event.ID, Type: event.Type, Source: event.Source, Subject: event.Subject, Time: timestamppb.New(at),
	}
}

func publishByCLI(t *testing.T, job task) (ids []string) {
	for _, event := range []sent{job.Untyped, job.Typed} {
		var ack struct{ ID string }
		parse(t, cli(t, job.URL, "publish", event.Type, event.Data, "--json", "--id", event.ID, "--source", event.Source,
			"--subject", event.Subject, "--time", event.Time), &ack)
		ids = append(ids, ack.ID)
	}
	return ids
}

// cli runs a client command.
func cli(t *testing.T, url string, args ...string) []byte {
	t.Helper()
	return run(t, "", []string{"POSTRIDER_URL=" + url, "POSTRIDER_API_KEY=" + adminKey}, binaryPath(t), args...)
}

// readJSON is an event as the JSON side shows it.
type readJSON struct {
	ID, Type, Source, Subject, Time string
	Data                            json.RawMessage
}

func (r readJSON) sent() sent {
	return sent{r.ID, r.Type, r.Source, r.Subject, r.Time, string(r.Data)}
}

func readByJSON(t *testing.T, s *server, _ int) map[string]sent {
	return readList(t, post(t, s.url()+"/postrider.v1.EventService/ListEvents", `{}`))
}

// readByGET reads with Connect's GET, which caches and address bars can do.
func readByGET(t *testing.T, s *server, _ int) map[string]sent {
	query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {`{"pageSize":100}`}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url()+"/postrider.v1.EventService/ListEvents?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return readList(t, do(t, request, http.StatusOK))
}

func readList(t *testing.T, body []byte) map[string]sent {
	t.Helper()
	var list struct{ Events []readJSON }
	parse(t, body, &list)
	events := map[string]sent{}
	for _, event := range list.Events {
		events[event.ID] = event.sent()
	}
	return events
}

func readByGRPC(t *testing.T, s *server, _ int) map[string]sent {
	ctx, client := newGRPC(t, s.url())
	list, err := client.ListEvents(ctx, &postriderv1.ListEventsRequest{PayloadFormat: postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON})
	if err != nil {
		t.Fatal(err)
	}
	return fromProto(list.GetEvents(), func(event *postriderv1.Event) string { return event.GetJsonData() })
}

// readTyped reads typed events as the message they are, and compares messages.
func readTyped(t *testing.T, s *server, _ int) map[string]sent {
	var want shopv1.OrderPaid
	if err := protojson.Unmarshal([]byte(typedData), &want); err != nil {
		t.Fatal(err)
	}
	ctx, client := newGRPC(t, s.url())
	list, err := client.ListEvents(ctx, &postriderv1.ListEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return fromProto(list.GetEvents(), func(event *postriderv1.Event) string {
		if event.GetProtoData() == nil {
			return event.GetJsonData()
		}
		var got shopv1.OrderPaid
		if err := event.GetProtoData().UnmarshalTo(&got); err != nil {
			return err.Error()
		}
		if !proto.Equal(&got, &want) {
			return got.String()
		}
		return typedRead
	})
}

func fromProto(list []*postriderv1.Event, data func(*postriderv1.Event) string) map[string]sent {
	events := map[string]sent{}
	for _, event := range list {
		events[event.GetId()] = sent{
			event.GetId(), event.GetType(), event.GetSource(), event.GetSubject(),
			event.GetTime().AsTime().Format(time.RFC3339Nano), data(event),
		}
	}
	return events
}

func readByCLI(t *testing.T, s *server, count int) map[string]sent {
	events := map[string]sent{}
	lines := cli(t, s.url(), "tail", "--json", "--start", "earliest", "--count", fmt.Sprint(count))
	for line := range bytes.Lines(lines) {
		var event readJSON
		parse(t, line, &event)
		events[event.ID] = event.sent()
	}
	return events
}

// refusesGET asks to publish by GET, plainly and as Connect would: a link must never publish.
func refusesGET(t *testing.T, s *server) {
	query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {`{"event":{"id":"by-get","type":"a.b","data":{}}}`}}
	for _, suffix := range []string{"", "?" + query.Encode()} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url()+"/postrider.v1.EventService/Publish"+suffix, nil)
		if err != nil {
			t.Fatal(err)
		}
		do(t, request, http.StatusMethodNotAllowed)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url()+"/postrider.v1.EventService/GetEvent", strings.NewReader(`{"id":"by-get"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	do(t, request, http.StatusNotFound)
}

// run runs a program that must succeed and returns its standard output.
func run(t *testing.T, input string, environment []string, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), protocolTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(cmd.Environ(), environment...)
	cmd.Stdin = strings.NewReader(input)
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out.Bytes(), faults.Bytes())
	}
	return out.Bytes()
}

func parse(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func quoteJSON(text string) string {
	quoted, _ := json.Marshal(text) // of a string it never fails
	return string(quoted)
}
