package access

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// requirement is what a method requires of its caller. The zero one is met by admin keys only.
type requirement struct {
	permission Permission
	// wholeServer methods need a key that is confined to no tenant.
	wholeServer bool
	// open methods need no key at all.
	open bool
	// signsIn methods are limited as sign-ins.
	signsIn bool
	// orTicket methods accept a ticket in the message from a caller without a sufficient key or session.
	orTicket bool
}

// permit returns nil if the caller meets the requirement. Control.Admit calls it for each request.
func (r requirement) permit(caller gateway.Principal) error {
	if err := Require(caller, r.permission); err != nil {
		return err
	}
	if r.wholeServer && !caller.ServerScoped() {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"this needs a key that is confined to no tenant")
	}
	return nil
}

// Services lists the services of the contract.
func Services() (all []protoreflect.ServiceDescriptor) {
	contract := postriderv1.File_postrider_v1_access_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			all = append(all, file.Services().Get(i))
		}
		return true
	})
	return all
}

// readRequirements returns what each method requires, by its path.
func readRequirements(services []protoreflect.ServiceDescriptor) (map[string]requirement, error) {
	all := map[string]requirement{}
	for _, service := range services {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			option, _ := proto.GetExtension(method.Options(), postriderv1.E_Access).(*postriderv1.AccessOption)
			if option.GetScope() == postriderv1.AccessOption_SCOPE_UNSPECIFIED || option.GetOpen() != (option.GetPermission() == "") {
				return nil, fmt.Errorf("%s: its option (postrider.v1.access) does not say who may call it", method.FullName())
			}
			all[fmt.Sprintf("/%s/%s", service.FullName(), method.Name())] = newRequirement(option)
		}
	}
	return all, nil
}

func newRequirement(option *postriderv1.AccessOption) requirement {
	return requirement{
		permission:  Permission(option.GetPermission()),
		wholeServer: option.GetScope() == postriderv1.AccessOption_SCOPE_SERVER,
		open:        option.GetOpen(), signsIn: option.GetSignsIn(), orTicket: option.GetTicket(),
	}
}
