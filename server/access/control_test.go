package access_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
)

func TestEveryMethodOfTheContractSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	services := access.Services()
	if len(services) == 0 {
		t.Fatal("the contract has no services")
	}
	if _, err := access.New(access.Config{Services: services}); err != nil {
		t.Error(err)
	}
}

func TestAMethodThatDoesNotSayWhoMayCallItKeepsTheServerFromStarting(t *testing.T) {
	t.Parallel()
	tenant := postriderv1.AccessOption_SCOPE_TENANT
	for name, test := range map[string]struct {
		option *postriderv1.AccessOption
		good   bool
	}{
		"no option":               {nil, false},
		"nothing in it":           {&postriderv1.AccessOption{}, false},
		"no scope":                {&postriderv1.AccessOption{Permission: "events.read"}, false},
		"no permission":           {&postriderv1.AccessOption{Scope: tenant}, false},
		"a permission, yet open":  {&postriderv1.AccessOption{Permission: "events.read", Scope: tenant, Open: true}, false},
		"a permission":            {&postriderv1.AccessOption{Permission: "events.read", Scope: tenant}, true},
		"open":                    {&postriderv1.AccessOption{Scope: tenant, Open: true}, true},
		"a permission of no name": {&postriderv1.AccessOption{Permission: "new.thing", Scope: tenant}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := access.New(access.Config{Services: []protoreflect.ServiceDescriptor{service(t, test.option)}})
			if (err == nil) != test.good {
				t.Errorf("New: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "acme.v1.Shop.Close") {
				t.Errorf("%v does not name the method", err)
			}
		})
	}
}

// service makes a service with one method that has an option.
func service(t *testing.T, option *postriderv1.AccessOption) protoreflect.ServiceDescriptor {
	t.Helper()
	method := &descriptorpb.MethodDescriptorProto{
		Name: new("Close"), InputType: new(".acme.v1.Nothing"), OutputType: new(".acme.v1.Nothing"),
	}
	if option != nil {
		method.Options = &descriptorpb.MethodOptions{}
		proto.SetExtension(method.Options, postriderv1.E_Access, option)
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("acme/v1/shop.proto"), Package: new("acme.v1"), Syntax: new("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("Nothing")}},
		Service:     []*descriptorpb.ServiceDescriptorProto{{Name: new("Shop"), Method: []*descriptorpb.MethodDescriptorProto{method}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0)
}

func TestRequire(t *testing.T) {
	t.Parallel()
	const publish, consume, admin = gateway.ScopePublish, gateway.ScopeConsume, gateway.ScopeAdmin
	for needed, test := range map[access.Permission]struct {
		publish, consume bool
		lacking          string
	}{
		"events.publish":       {true, false, "publish"},
		"events.read":          {false, true, "consume"},
		"subscriptions.read":   {false, true, "consume"},
		"deliveries.read":      {false, true, "consume"},
		"stats.read":           {false, true, "consume"},
		"event_types.read":     {true, true, ""},
		"tenants.read":         {true, true, ""},
		"sessions.read":        {true, true, ""},
		"api_keys.read":        {false, false, "admin"},
		"subscriptions.write":  {false, false, "admin"},
		"subscriptions.reveal": {false, false, "admin"},
		"streams.read":         {false, false, "admin"},
		"":                     {false, false, "admin"},
	} {
		for scopes, want := range map[gateway.Scope]bool{
			publish: test.publish, consume: test.consume, publish | consume: test.publish || test.consume,
			admin: true, admin | publish: true,
		} {
			err := access.Require(gateway.Principal{KeyID: "key", Scopes: scopes}, needed)
			if (err == nil) != want {
				t.Errorf("%q with scopes %b: %v, want allowed %t", needed, scopes, err, want)
			}
			if err != nil && !strings.HasSuffix(err.Error(), "this needs a key with scope "+test.lacking) {
				t.Errorf("%q with scopes %b: %v, want the scope %q", needed, scopes, err, test.lacking)
			}
		}
	}
}
