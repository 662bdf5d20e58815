package client_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

func TestEventType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		message proto.Message
		want    string
	}{
		{"a nil pointer", (*shopv1.OrderPaid)(nil), "shop.v1.OrderPaid"},
		{"not marked", marked(t, nil), "test.Made"},
		{"marked", marked(t, &postriderv1.EventOption{Subject: "id"}), "test.Made"},
		{"marked with a name", marked(t, &postriderv1.EventOption{Type: "thing.made"}), "thing.made"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := client.EventType(test.message); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// marked is a message test.Made with an option; without one when it is nil.
func marked(t *testing.T, option *postriderv1.EventOption) proto.Message {
	t.Helper()
	message := &descriptorpb.DescriptorProto{Name: proto.String("Made")}
	if option != nil {
		message.Options = &descriptorpb.MessageOptions{}
		proto.SetExtension(message.Options, postriderv1.E_Event, option)
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("made.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{message},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessage(file.Messages().Get(0))
}

func TestIDsSortByTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := client.NewID()
		time.Sleep(time.Millisecond)
		second := client.NewID()
		if first >= second {
			t.Errorf("%s is not before %s", first, second)
		}
		if form := regexp.MustCompile(`^evt_[0-9a-v]{26}$`); !form.MatchString(first) {
			t.Errorf("%q is not an id", first)
		}
	})
}
