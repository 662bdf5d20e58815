package compile_test

import (
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

func TestSelectFindsTopLevelMessages(t *testing.T) {
	t.Parallel()
	var names []string
	for _, one := range schematest.EventTypes(t, shopFile) {
		names = append(names, one.Type)
		if one.Message != one.Type {
			t.Errorf("%s has the message %s", one.Type, one.Message)
		}
	}
	for _, want := range []string{"shop.v1.OrderCreated", "shop.v1.Money", "shop.v1.OrderShipped"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
	if slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, "shop.v1.") }) {
		t.Errorf("shared messages are no event types: %v", names)
	}
}

func TestSelectIsDeterministic(t *testing.T) {
	t.Parallel()
	set := parseSet(t)
	slices.Reverse(set.File)
	for _, file := range set.File {
		file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{}}}
	}
	// The set may include the shared files or not.
	set.File = slices.DeleteFunc(set.File, func(f *descriptorpb.FileDescriptorProto) bool {
		return strings.HasPrefix(f.GetName(), "google/protobuf/")
	})
	hashes := map[string][32]byte{}
	for _, one := range schematest.EventTypes(t, shopFile) {
		hashes[one.Type] = one.Hash
	}
	types, err := compile.Select(marshal(t, set), compile.Selection{All: true})
	if err != nil || len(types) != len(hashes) {
		t.Fatal(len(types), err)
	}
	for _, one := range types {
		if one.Hash != hashes[one.Type] {
			t.Errorf("%s has another hash", one.Type)
		}
	}
}

func TestSelectNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	badRule := parseSet(t)
	message := findMessage(badRule, "OrderPaid")
	proto.SetExtension(message.Options, validate.E_Message, &validate.MessageRules{
		Cel: []*validate.Rule{{Id: proto.String("x"), Expression: proto.String("this.no_such_field > 0")}},
	})
	noImport := parseSet(t)
	noImport.File = slices.DeleteFunc(noImport.File, func(f *descriptorpb.FileDescriptorProto) bool {
		return f.GetName() == "shop/v1/money.proto"
	})
	for name, test := range map[string]struct {
		set  []byte
		want string
	}{
		"not a set":      {[]byte("hello"), "FileDescriptorSet"},
		"bad rule":       {marshal(t, badRule), "shop.v1.OrderPaid"},
		"missing import": {marshal(t, noImport), `"shop/v1/money.proto"`},
	} {
		if _, err := compile.Select(test.set, compile.Selection{All: true}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func parseSet(t *testing.T) *descriptorpb.FileDescriptorSet {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(schematest.ReadFile(t, shopFile), set); err != nil {
		t.Fatal(err)
	}
	return set
}

func findMessage(set *descriptorpb.FileDescriptorSet, name string) *descriptorpb.DescriptorProto {
	for _, file := range set.GetFile() {
		for _, message := range file.GetMessageType() {
			if message.GetName() == name {
				if message.Options == nil {
					message.Options = &descriptorpb.MessageOptions{}
				}
				return message
			}
		}
	}
	return nil
}

func marshal(t *testing.T, message proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
