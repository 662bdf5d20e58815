package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

type webhookFlags struct {
	url     string
	headers []string
}

func (f *webhookFlags) add(set *pflag.FlagSet) {
	set.Var(placeholder(&f.url, "URL"), "url", "where events are posted")
	set.StringArrayVar(&f.headers, "header", nil, "sent with every attempt; may be repeated")
	named(set, "header", "'NAME: VALUE'")
}

func (f *webhookFlags) fields() []flagField {
	return []flagField{{"url", "url"}, {"header", "headers"}}
}

func (f *webhookFlags) config() (proto.Message, error) {
	webhook := &targetv1.Webhook{Url: f.url, Headers: map[string]string{}}
	for _, header := range f.headers {
		if header == "" {
			continue // takes back what was set
		}
		key, value, ok := strings.Cut(header, ":")
		if !ok {
			return nil, errors.New("--header: want 'Name: value'")
		}
		webhook.Headers[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return webhook, nil
}

func (f *webhookFlags) place(target *postriderv1.Target) string { return target.GetWebhook().GetUrl() }
