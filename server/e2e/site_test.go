package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const webSources = "server/e2e/testdata/grpcweb"

// site serves the page of testdata/grpcweb from an origin of its own, hands it its task and takes the result.
type site struct {
	origin string
	// producer is the path of the bundled producer.
	producer string
	results  chan webResult

	mu   sync.Mutex
	task task
}

type webResult struct {
	IDs   []string `json:"ids"`
	Error string   `json:"error"`
}

func newSite(t *testing.T) *site {
	t.Helper()
	folder := t.TempDir()
	run(t, "", nil, "node", fromTop(t, filepath.Join(webSources, "bundle.mjs")), folder)
	s := &site{producer: filepath.Join(folder, "producer.js"), results: make(chan webResult, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, fromTop(t, filepath.Join(webSources, "page.html")))
	})
	mux.HandleFunc("GET /producer.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, s.producer) })
	mux.HandleFunc("GET /task", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(s.task)
	})
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		var result webResult
		if err := json.NewDecoder(r.Body).Decode(&result); err != nil {
			result.Error = err.Error()
		}
		s.results <- result
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.origin = server.URL
	return s
}

// inJavaScript writes large numbers as text, since JSON.parse would round them before the generated client saw them.
func inJavaScript(job task) task {
	job.Typed.Data = typedRead
	return job
}

func publishByNode(s *site) func(*testing.T, task) []string {
	return func(t *testing.T, job task) []string {
		input, err := json.Marshal(inJavaScript(job))
		if err != nil {
			t.Fatal(err)
		}
		var result webResult
		parse(t, run(t, string(input), nil, "node", fromTop(t, filepath.Join(webSources, "node.mjs")), s.producer), &result)
		return result.IDs
	}
}

// publishByChromium opens the page, which calls the server across origins.
func publishByChromium(s *site) func(*testing.T, task) []string {
	return func(t *testing.T, job task) []string {
		s.mu.Lock()
		s.task = inJavaScript(job)
		s.mu.Unlock()
		log := &tailBuffer{}
		cmd := exec.Command(chromium(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
			"--disable-background-networking", "--no-first-run", "--user-data-dir="+t.TempDir(), s.origin+"/")
		cmd.Stdout, cmd.Stderr = log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}()
		select {
		case result := <-s.results:
			if result.Error != "" {
				t.Fatalf("the page says: %s", result.Error)
			}
			return result.IDs
		case <-time.After(protocolTimeout):
			t.Fatalf("no result from the page within %v\n%s", protocolTimeout, log)
			return nil
		}
	}
}

// chromium returns the browser, as tools/with-services does. Without one the test is skipped, in CI it fails.
func chromium(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("POSTRIDER_TEST_CHROMIUM"); given != "" {
		return given
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no Chromium: install one or set POSTRIDER_TEST_CHROMIUM")
	}
	t.Skip("SKIPPED: there is no Chromium; install one or set POSTRIDER_TEST_CHROMIUM")
	return ""
}
