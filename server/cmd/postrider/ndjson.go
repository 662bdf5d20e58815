package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Bounds of one batch; the server takes 1,000 events, and 16 MiB unless it is set otherwise.
const (
	batchEvents  = 1000
	batchBytes   = 4 << 20
	maxLineBytes = 2 << 20
	// inputPause is how long the next line may take before the lines that have come are published.
	inputPause = 100 * time.Millisecond
)

// eventLine is one line of NDJSON. Data stays the text it is, so that numbers of any size survive.
type eventLine struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Source  string          `json:"source"`
	Subject string          `json:"subject"`
	Time    *time.Time      `json:"time"`
	Data    json.RawMessage `json:"data"`
	// What tail shows of an event besides. The server that stores it gives its own.
	Cursor     json.RawMessage `json:"cursor"`
	AcceptTime json.RawMessage `json:"acceptTime"`
	Violations json.RawMessage `json:"violations"`
}

// batcher collects lines and publishes them.
type batcher struct {
	client *client
	env    environment
	json   bool
	// eventType is that of every line, when lines are data only.
	eventType string

	events []*postriderv1.Event
	bytes  int
	// shown says that lines of the batch were shown by tail.
	shown bool
	// first is the line the batch begins with.
	first, published, duplicates int
}

func publishMany(ctx context.Context, c *client, env environment, flags publishFlags, args []string) error {
	in, err := openInput(env, flags.ndjson)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	b := &batcher{client: c, env: env, json: flags.json}
	if len(args) == 1 {
		b.eventType = args[0]
	}
	err = b.run(ctx, in)
	if !flags.json {
		_ = say(env.stdout, "%d published, %d of them duplicates\n", b.published, b.duplicates)
	}
	return err
}

func (b *batcher) run(ctx context.Context, in io.Reader) error {
	lines := readLines(ctx, in)
	for {
		line, ok, err := b.next(ctx, lines)
		if err != nil || !ok {
			return errors.Join(err, b.flush(ctx))
		}
		event, err := b.read(line.text)
		if err != nil {
			return errors.Join(b.flush(ctx), fmt.Errorf("line %d: %w", line.number, err))
		}
		if len(b.events) == batchEvents || b.bytes+len(line.text) > batchBytes {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
		b.add(event, line.number, len(line.text))
	}
}

// next returns the next line. What has come is published when no other follows for a while: the lines may be of a stream that
// does not end.
func (b *batcher) next(ctx context.Context, lines <-chan inputLine) (line inputLine, ok bool, err error) {
	pause := time.NewTimer(inputPause)
	defer pause.Stop()
	for {
		select {
		case line, ok = <-lines:
			if line.err != nil {
				return line, false, fmt.Errorf("line %d: %w", line.number, line.err)
			}
			return line, ok, nil
		case <-pause.C:
			if err := b.flush(ctx); err != nil {
				return line, false, err
			}
		case <-ctx.Done():
			return line, false, ctx.Err()
		}
	}
}

// inputLine is a line that is not empty, or the error that reading ended with.
type inputLine struct {
	number int
	text   []byte
	err    error
}

func readLines(ctx context.Context, in io.Reader) <-chan inputLine {
	lines := make(chan inputLine, 16)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxLineBytes)
		number := 1
		for ; scanner.Scan(); number++ {
			if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
				continue
			}
			select {
			case lines <- inputLine{number: number, text: bytes.Clone(scanner.Bytes())}:
			case <-ctx.Done():
				return
			}
		}
		if err := scanner.Err(); err != nil {
			select {
			case lines <- inputLine{number: number, err: err}:
			case <-ctx.Done():
			}
		}
	}()
	return lines
}

func (b *batcher) add(event *postriderv1.Event, line, size int) {
	if len(b.events) == 0 {
		b.first = line
	}
	b.events = append(b.events, event)
	b.bytes += size
}

func (b *batcher) read(line []byte) (*postriderv1.Event, error) {
	if b.eventType != "" {
		return &postriderv1.Event{Type: b.eventType, Payload: &postriderv1.Event_JsonData{JsonData: string(line)}}, nil
	}
	var parsed eventLine
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parsed); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one JSON value")
	}
	b.shown = b.shown || parsed.Cursor != nil
	event := &postriderv1.Event{
		Id: parsed.ID, Type: parsed.Type, Source: parsed.Source, Subject: parsed.Subject,
		Payload: &postriderv1.Event_JsonData{JsonData: string(parsed.Data)},
	}
	if parsed.Time != nil {
		event.Time = timestamppb.New(*parsed.Time)
	}
	return event, nil
}

func (b *batcher) flush(ctx context.Context) error {
	if len(b.events) == 0 {
		return nil
	}
	response, err := b.client.events.PublishBatch(ctx, connect.NewRequest(&postriderv1.PublishBatchRequest{
		Tenant: b.client.tenant, Events: b.events,
	}))
	hint := b.hint(err)
	b.events, b.bytes, b.shown = b.events[:0], 0, false // refused ones, too: the last flush is not to send them once more
	if err != nil {
		return fmt.Errorf("nothing from line %d on was stored: %w%s", b.first, err, hint)
	}
	for _, ack := range response.Msg.GetResults() {
		b.published++
		if ack.GetDuplicate() {
			b.duplicates++
		}
		if b.json {
			if err := printAck(b.env.stdout, ack, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// hint says what is wrong when events are published to the server that showed them. It has them, with what it filled in.
func (b *batcher) hint(err error) string {
	if !b.shown || connect.CodeOf(err) != connect.CodeAlreadyExists {
		return ""
	}
	return "; the line is of postrider tail: is this the server that showed it? It has the event already, so there is nothing to copy. " +
		"To publish it as a new one, leave its id out"
}
