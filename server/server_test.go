package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

func config(t *testing.T) server.Config {
	t.Helper()
	c := server.DefaultConfig()
	c.Listen, c.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
	return c
}

// run serves until stop is called.
func run(t *testing.T, c server.Config) (s *server.Server, stop func()) {
	t.Helper()
	s, err := server.New(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestKeysAreMadeOnceAndKeptPrivate(t *testing.T) {
	t.Parallel()
	c := config(t)
	first, stop := run(t, c)
	stop()
	before, err := os.ReadFile(first.AdminKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admin-key", "secret.key"} {
		info, err := os.Stat(filepath.Join(c.Data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	second, stop := run(t, c)
	stop()
	if after, err := os.ReadFile(second.AdminKeyPath()); err != nil || string(after) != string(before) {
		t.Errorf("after a restart the admin key is another one (%v)", err)
	}
}

func TestASecondServerOnTheSameDataSaysSo(t *testing.T) {
	t.Parallel()
	c := config(t)
	_, stop := run(t, c)
	defer stop()
	second, err := server.New(t.Context(), c, io.Discard)
	if err == nil {
		_ = second.Close()
		t.Fatal("it starts")
	}
	if !strings.Contains(err.Error(), c.Data) {
		t.Errorf("error %q does not name the data", err)
	}
}

func TestBadSchemasStopTheStart(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Schemas = filepath.Join(t.TempDir(), "schemas.binpb")
	if err := os.WriteFile(c.Schemas, []byte("no descriptor set"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), c, io.Discard)
	if err == nil {
		_ = s.Close()
		t.Fatal("it starts")
	}
	if !strings.Contains(err.Error(), c.Schemas) {
		t.Errorf("error %q does not name the file", err)
	}
}

// A server whose schemas would break somebody does not start, and says what is wrong.
func TestIncompatibleSchemasStopTheStart(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Schemas = filepath.Join(t.TempDir(), "schemas.binpb")
	write := func(kind string) {
		set, err := compile.Compile(t.Context(), []compile.Source{{
			Path: "a.proto", Content: "syntax = \"proto3\";\nmessage A {\n  " + kind + " n = 1;\n}\n",
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Schemas, set, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("int64")
	_, stop := run(t, c)
	stop()
	write("string")
	s, err := server.New(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	err = s.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), c.Schemas) || !strings.Contains(err.Error(), "A: a.proto:3:") {
		t.Errorf("it ends with %v", err)
	}
}

func TestAFailedStartLetsGoOfTheData(t *testing.T) {
	t.Parallel()
	taken, stop := run(t, config(t))
	defer stop()
	c := config(t)
	c.Listen = strings.TrimPrefix(taken.URL(), "http://")
	if s, err := server.New(t.Context(), c, io.Discard); err == nil {
		_ = s.Close()
		t.Fatal("it starts on a port that is taken")
	}
	c.Listen = "127.0.0.1:0"
	_, stopAgain := run(t, c)
	stopAgain()
}

func TestReady(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Listen = "127.0.0.4:0" // An address of its own, where no other test takes the port afterwards.
	s, stop := run(t, c)
	response, err := http.Get(s.URL() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("readyz answers %d", response.StatusCode)
	}
	stop()
	if _, err := http.Get(s.URL() + "/readyz"); err == nil {
		t.Error("a stopped server answers")
	}
}
