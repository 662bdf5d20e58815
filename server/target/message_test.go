package target_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/target"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 2, 29, 13, 30, 45, 0, time.FixedZone("", 3600))
	cases := []struct {
		name    string
		message *target.Message
		want    string
	}{
		{
			"plain",
			&target.Message{ID: "evt_1", Type: "order.created", Time: at, Data: []byte(`{"total":9007199254740993}`)},
			`{"id":"evt_1","type":"order.created","timestamp":"2024-02-29T12:30:45Z","data":{"total":9007199254740993}}`,
		},
		{
			"fractions of a second without zeros",
			&target.Message{ID: "e", Type: "t", Time: at.Add(120 * time.Millisecond), Data: []byte(`{}`)},
			`{"id":"e","type":"t","timestamp":"2024-02-29T12:30:45.12Z","data":{}}`,
		},
		{
			"nanoseconds",
			&target.Message{ID: "e", Type: "t", Time: at.Add(1), Data: []byte(`{}`)},
			`{"id":"e","type":"t","timestamp":"2024-02-29T12:30:45.000000001Z","data":{}}`,
		},
		{
			"data as it is",
			&target.Message{ID: "e", Type: "t", Time: at, Data: []byte("{ \"b\": 1.10,\n \"a\": \"<\" }")},
			"{\"id\":\"e\",\"type\":\"t\",\"timestamp\":\"2024-02-29T12:30:45Z\",\"data\":{ \"b\": 1.10,\n \"a\": \"<\" }}",
		},
		{
			"what needs escaping",
			&target.Message{ID: `a"b`, Type: "ä\n", Time: at, Data: []byte(`{}`)},
			`{"id":"a\"b","type":"ä\n","timestamp":"2024-02-29T12:30:45Z","data":{}}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := string(c.message.Document()); got != c.want || !json.Valid([]byte(got)) {
				t.Errorf("Document = %s\nwant       %s", got, c.want)
			}
		})
	}
}

func TestDocumentIsShared(t *testing.T) {
	m := &target.Message{ID: "evt_1", Type: "t", Data: []byte(`{}`)}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { m.Document() })
	}
	group.Wait()
	if n := testing.AllocsPerRun(10, func() { m.Document() }); n != 0 {
		t.Errorf("a second call allocates %v times", n)
	}
}

func FuzzDocument(f *testing.F) {
	f.Add("evt_1", "order.created")
	f.Add("\"", "\\u0000\x00\xff")
	f.Fuzz(func(t *testing.T, id, eventType string) {
		m := &target.Message{ID: id, Type: eventType, Data: []byte(`{"a":1}`)}
		var got struct {
			ID, Type string
			Data     map[string]int
		}
		if err := json.Unmarshal(m.Document(), &got); err != nil || got.Data["a"] != 1 {
			t.Errorf("Document = %q: %v", m.Document(), err)
		}
	})
}
