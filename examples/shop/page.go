package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// servePage serves the built page, and passes its calls on to the server with a key, which the browser never sees.
func servePage(ctx context.Context, on *stage, address, server, key string) error {
	to, err := url.Parse(server)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("the page: %w (SHOP_PORT sets another port)", err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /postrider.v1.EventService/Subscribe", passOn(to, key))
	mux.Handle("GET /", http.FileServer(http.Dir("examples/shop/dist/page")))
	// A stream has no end of its own: the requests end with ctx.
	site := &http.Server{Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx }}
	on.group.Go(func() error {
		if err := site.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	on.group.Go(func() error {
		<-ctx.Done()
		return site.Close()
	})
	on.say("page", "http://"+listener.Addr().String()+"/")
	return nil
}

func passOn(to *url.URL, key string) http.Handler {
	return &httputil.ReverseProxy{
		FlushInterval: -1, // each event at once
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer "+key)
		},
	}
}
