package main

import (
	"os"
	"strings"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

type natsFlags struct {
	urls                  []string
	subject, stream, user string
	// Files that hold what must not stand in a command line.
	password, token, nkey, credentials, authorities, certificate, key string
}

func (f *natsFlags) add(set *pflag.FlagSet) {
	set.StringSliceVar(&f.urls, "nats-url", nil, "servers of a NATS system, among those of serve --nats-servers: tls://host:4222 or nats://host:4222; may be repeated")
	named(set, "nats-url", "URL,...")
	set.Var(placeholder(&f.subject, "SUBJECT"), "nats-subject", "subject to publish to; {type} stands for the event's type")
	set.Var(placeholder(&f.stream, "STREAM"), "nats-stream", "stream that must take the events")
	set.Var(placeholder(&f.user, "USER"), "nats-user", "user, with --nats-password-file")
	for _, one := range []struct {
		value       *string
		flag, usage string
	}{
		{&f.password, "nats-password-file", "file with the user's password"},
		{&f.token, "nats-token-file", "file with a token"},
		{&f.nkey, "nats-nkey-file", "file with the seed of an NKey"},
		{&f.credentials, "nats-creds", "credentials file (.creds)"},
		{&f.authorities, "nats-ca", "certificates of the servers' authorities, as PEM"},
		{&f.certificate, "nats-cert", "client certificate as PEM"},
		{&f.key, "nats-key", "key of the client certificate as PEM"},
	} {
		set.Var(placeholder(one.value, "FILE"), one.flag, one.usage)
	}
}

func (f *natsFlags) fields() []flagField {
	return []flagField{
		{"nats-url", "urls"},
		{"nats-subject", "subject"},
		{"nats-stream", "stream"},
		{"nats-user", "user"},
		{"nats-password-file", "password"},
		{"nats-token-file", "token"},
		{"nats-nkey-file", "nkey_seed"},
		{"nats-creds", "credentials"},
		{"nats-ca", "ca_certificates"},
		{"nats-cert", "client_certificate"},
		{"nats-key", "client_key"},
	}
}

func (f *natsFlags) config() (proto.Message, error) {
	config := &targetv1.Nats{Urls: f.urls, Subject: f.subject, Stream: f.stream, User: f.user}
	for _, one := range []struct {
		file string
		to   *string
	}{
		{f.password, &config.Password},
		{f.token, &config.Token},
		{f.nkey, &config.NkeySeed},
		{f.credentials, &config.Credentials},
		{f.authorities, &config.CaCertificates},
		{f.certificate, &config.ClientCertificate},
		{f.key, &config.ClientKey},
	} {
		if one.file == "" {
			continue
		}
		content, err := os.ReadFile(one.file)
		if err != nil {
			return nil, err
		}
		*one.to = strings.TrimSpace(string(content))
	}
	return config, nil
}

func (f *natsFlags) place(target *postriderv1.Target) string {
	nats := target.GetNats()
	if len(nats.GetUrls()) == 0 {
		return nats.GetSubject()
	}
	return strings.TrimSuffix(nats.GetUrls()[0], "/") + "/" + nats.GetSubject()
}
