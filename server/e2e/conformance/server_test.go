package conformance_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/postrider-dev/postrider/gen/conformance/connectrpc/conformance/v1"
	"github.com/postrider-dev/postrider/gen/conformance/connectrpc/conformance/v1/conformancev1connect"
	"github.com/postrider-dev/postrider/server"
)

// serverVariable makes a process of the test binary the server that the conformance suite calls. It names the
// folder for its data.
const serverVariable = "POSTRIDER_TEST_CONFORMANCE_DATA"

// serve is a whole Postrider server with the suite's service beside its own. The suite says on stdin how it is
// to be, and hears on stdout where it is; SIGTERM ends it.
func serve(data string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	asked := &conformancev1.ServerCompatRequest{}
	if err := readMessage(os.Stdin, asked); err != nil {
		return fmt.Errorf("read what to serve: %w", err)
	}
	config, err := configFor(data, asked)
	if err != nil {
		return err
	}
	s, err := server.New(ctx, config, os.Stderr, server.WithService(suiteHandler,
		conformancev1connect.ConformanceServiceClientStreamProcedure, conformancev1connect.ConformanceServiceBidiStreamProcedure))
	if err != nil {
		return err
	}
	if err := tellAddress(s.URL()); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(s.Run(ctx), s.Close())
}

func configFor(data string, asked *conformancev1.ServerCompatRequest) (server.Config, error) {
	folder, err := os.MkdirTemp(data, "server-")
	config := server.DefaultConfig()
	config.Listen, config.Data, config.AdminKey = "127.0.0.1:0", folder, adminKey
	config.CORSOrigins = []string{"https://pages.example"}
	config.MaxRequestBytes = int(asked.GetMessageReceiveLimit())
	config.LogLevel = "debug"
	return config, err
}

// suiteHandler serves the suite's service. The suite has no way to show a key, so every call gets one on its way to
// the real authentication.
func suiteHandler(options connect.HandlerOption) (string, http.Handler) {
	path, service := conformancev1connect.NewConformanceServiceHandler(suiteService{}, options)
	return path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+adminKey)
		service.ServeHTTP(w, r)
	})
}

func tellAddress(address string) error {
	where, err := url.Parse(address)
	if err != nil {
		return err
	}
	host, text, err := net.SplitHostPort(where.Host)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return err
	}
	return writeMessage(os.Stdout, &conformancev1.ServerCompatResponse{Host: host, Port: uint32(port)})
}

// readMessage reads a message behind its length, as the suite writes them.
func readMessage(from io.Reader, message proto.Message) error {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return err
	}
	raw := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(from, raw); err != nil {
		return err
	}
	return proto.Unmarshal(raw, message)
}

func writeMessage(to io.Writer, message proto.Message) error {
	raw, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	_, err = to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(raw))), raw...))
	return err
}
