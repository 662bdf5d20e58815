package redact_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/redact"
)

func stored() *postriderv1.Target {
	return &postriderv1.Target{Config: &postriderv1.Target_Nats{Nats: &targetv1.Nats{
		Urls: []string{"tls://n:4222"}, Subject: "s", User: "u", Password: "p", ClientKey: "k",
	}}}
}

func TestHide(t *testing.T) {
	t.Parallel()
	shown := stored()
	redact.Hide(shown)
	want := stored()
	want.GetNats().Password, want.GetNats().ClientKey = redact.Hidden, redact.Hidden
	if !proto.Equal(shown, want) {
		t.Errorf("shown as %v", shown)
	}
	webhook := &targetv1.Webhook{Url: "u", Headers: map[string]string{"A": "1", "B": "2"}}
	redact.Hide(webhook)
	if !proto.Equal(webhook, &targetv1.Webhook{Url: "u", Headers: map[string]string{"A": redact.Hidden, "B": redact.Hidden}}) {
		t.Errorf("shown as %v", webhook)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	sent := stored()
	redact.Hide(sent)
	sent.GetNats().User, sent.GetNats().Token = "other", redact.Hidden
	kept := redact.Restore(sent, stored())
	if want := []redact.Kept{{"nats.client_key", true}, {"nats.password", true}, {"nats.token", false}}; !slices.Equal(kept, want) {
		t.Errorf("kept %v", kept)
	}
	if nats := sent.GetNats(); nats.GetPassword() != "p" || nats.GetClientKey() != "k" || nats.GetUser() != "other" {
		t.Errorf("restored %v", sent)
	}
	headers := &targetv1.Webhook{Headers: map[string]string{"A": redact.Hidden, "B": "new"}}
	kept = redact.Restore(headers, nil)
	if want := []redact.Kept{{`headers["A"]`, false}}; !slices.Equal(kept, want) || headers.GetHeaders()["B"] != "new" {
		t.Errorf("kept %v of %v", kept, headers)
	}
}

// Every secret field of a target is of a kind that can be hidden.
func TestSecretsOfTargetsCanBeHidden(t *testing.T) {
	t.Parallel()
	secrets := 0
	targets := (&postriderv1.Target{}).ProtoReflect().Descriptor().Fields()
	for i := range targets.Len() {
		fields := targets.Get(i).Message().Fields()
		for j := range fields.Len() {
			field := fields.Get(j)
			if !field.Options().(*descriptorpb.FieldOptions).GetDebugRedact() {
				continue
			}
			secrets++
			if field.IsMap() {
				field = field.MapValue()
			}
			if field.Kind() != protoreflect.StringKind || field.IsList() {
				t.Errorf("%s is secret, and neither a string nor a map to strings", field.FullName())
			}
		}
	}
	if secrets < 6 {
		t.Errorf("%d secret fields", secrets)
	}
}
