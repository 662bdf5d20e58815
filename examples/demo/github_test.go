// Package demo_test publishes GitHub's sample webhook payloads, which come from a third party, as typed events.
package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

const (
	samplesFile = "../../node_modules/@octokit/webhooks-examples/api.github.com/index.json"
	adminKey    = "the-admin-key-of-this-test"
)

// typed are the families of payloads that github/v1 describes.
var typed = []string{"push", "issues", "issue_comment", "pull_request", "star"}

// TestGitHubPayloadsAsTypedEvents publishes every sample of the typed families under enforce, and looks that what comes
// back is what was sent, in its typed form: members that are null or an empty list are absent, and numbers of 64 bits are
// strings.
func TestGitHubPayloadsAsTypedEvents(t *testing.T) {
	t.Parallel()
	samples := readSamples(t)
	url := serve(t)
	published, refused, same := 0, 0, 0
	for _, family := range typed {
		if len(samples[family]) == 0 {
			t.Errorf("there are no samples of %s", family)
		}
		for i, sample := range samples[family] {
			id := fmt.Sprintf("%s_%d", family, i)
			status, answer := call(t, url, "Publish", fmt.Sprintf(`{"event":{"id":%q,"type":"github.%s","data":%s}}`, id, family, sample))
			if status != http.StatusOK {
				refused++
				t.Errorf("%s: %d %s", id, status, answer)
				continue
			}
			published++
			if back := readBack(t, url, id); reflect.DeepEqual(back, typedForm(parse(t, sample))) {
				same++
			} else {
				t.Errorf("%s: sent %v\nread %v", id, typedForm(parse(t, sample)), back)
			}
		}
	}
	count(t, "github payloads under enforce: %d families, published %d, refused %d, read back the same %d", len(typed), published, refused, same)
}

// TestAWrongGitHubPayloadIsRefused shows that the schema is in force.
func TestAWrongGitHubPayloadIsRefused(t *testing.T) {
	t.Parallel()
	samples := readSamples(t)
	url := serve(t)
	wrong := bytes.Replace(samples["star"][0], []byte(`"full_name"`), []byte(`"fullname"`), 1)
	status, answer := call(t, url, "Publish", fmt.Sprintf(`{"event":{"type":"github.star","data":%s}}`, wrong))
	if status != http.StatusBadRequest || !strings.Contains(answer, "event.data.repository.fullname") {
		t.Errorf("%d %s", status, answer)
	}
}

func readSamples(t *testing.T) map[string][]json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(samplesFile)
	if os.IsNotExist(err) {
		message := "SKIPPED: GitHub's payloads as typed events: no " + samplesFile + " (npm ci)"
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	if err != nil {
		t.Fatal(err)
	}
	var families []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(text, &families); err != nil {
		t.Fatal(err)
	}
	samples := make(map[string][]json.RawMessage)
	for _, family := range families {
		samples[family.Name] = family.Examples
	}
	return samples
}

// serve starts a server that knows github/v1.
func serve(t *testing.T) (url string) {
	t.Helper()
	config := server.DefaultConfig()
	config.Listen, config.Data, config.AdminKey = "127.0.0.1:0", t.TempDir(), adminKey
	config.Schemas = filepath.Join(t.TempDir(), "github.binpb")
	if err := os.WriteFile(config.Schemas, descriptorSet(t), 0o600); err != nil {
		t.Fatal(err)
	}
	instance, err := server.New(t.Context(), config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- instance.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
		_ = instance.Close()
	})
	return instance.URL()
}

func descriptorSet(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("github/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var sources []compile.Source
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, compile.Source{Path: filepath.ToSlash(file), Content: string(content)})
	}
	set, err := compile.Compile(t.Context(), sources)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func call(t *testing.T, url, method, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/postrider.v1.EventService/"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+adminKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func readBack(t *testing.T, url, id string) any {
	t.Helper()
	_, answer := call(t, url, "GetEvent", `{"id":"`+id+`"}`)
	var got struct {
		Event struct {
			Data          json.RawMessage
			SchemaVersion int
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Event.SchemaVersion != 1 {
		t.Errorf("%s: schema version %d, %v: %s", id, got.Event.SchemaVersion, err, answer)
		return nil
	}
	return typedForm(parse(t, got.Event.Data))
}

func parse(t *testing.T, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// typedForm writes numbers as strings and leaves out what a message does not tell from absence.
func typedForm(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			list, isList := member.([]any)
			if member == nil || isList && len(list) == 0 {
				delete(value, name)
			} else {
				value[name] = typedForm(member)
			}
		}
	case []any:
		for i, element := range value {
			value[i] = typedForm(element)
		}
	case json.Number:
		return value.String()
	}
	return value
}

// count prints what the test has seen, also where `make test` gathers it.
func count(t *testing.T, format string, values ...any) {
	t.Helper()
	line := fmt.Sprintf(format, values...)
	t.Log(line)
	name := os.Getenv("POSTRIDER_TEST_COUNTS")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintln(file, line)
	if closed := file.Close(); err != nil || closed != nil {
		t.Error(err, closed)
	}
}
