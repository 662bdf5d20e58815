package wire

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/redact"
)

// NewTarget reads a target: the name of its type and its configuration as the JSON of its message. current is the
// subscription whose target it replaces, for the secret values that are to be kept; nil for a new one.
func NewTarget(from *postriderv1.Target, current *gateway.Subscription) (kind string, config []byte, err error) {
	field := configField(from)
	if field == nil {
		return "", nil, gateway.FieldError("subscription.target", "is required")
	}
	kind = string(field.Name())
	message := proto.Clone(from.ProtoReflect().Get(field).Message().Interface())
	var kept proto.Message
	if current != nil && current.TargetType == kind {
		if kept, err = parseConfig(kind, current.TargetConfig); err != nil {
			return "", nil, err
		}
	}
	if err := restore("subscription.target."+kind, message, kept); err != nil {
		return "", nil, err
	}
	config, err = protojson.Marshal(message)
	return kind, config, err
}

// Target shows a target with its secret values hidden.
func Target(kind string, config []byte) (*postriderv1.Target, error) {
	message, err := parseConfig(kind, config)
	if err != nil {
		return nil, err
	}
	redact.Hide(message)
	target := &postriderv1.Target{}
	field := targetFields().ByName(protoreflect.Name(kind))
	target.ProtoReflect().Set(field, protoreflect.ValueOfMessage(message.ProtoReflect()))
	return target, nil
}

// changeTargetParts writes fields of the target's configuration and keeps the others.
func changeTargetParts(to *gateway.Subscription, from *postriderv1.Subscription, parts []protoreflect.FieldDescriptor) error {
	field := configField(from.GetTarget())
	if field == nil {
		return gateway.FieldError("subscription.target", "is required")
	}
	if string(field.Name()) != to.TargetType {
		return gateway.FieldError("subscription.target", "is a %s; change it as a whole", to.TargetType)
	}
	config, err := parseConfig(to.TargetType, to.TargetConfig)
	if err != nil {
		return err
	}
	// As a caller sees it: what is hidden is kept under the same rule as in a target that is sent whole.
	redact.Hide(config)
	merged, given := config.ProtoReflect(), from.GetTarget().ProtoReflect().Get(field).Message()
	for _, part := range parts {
		if part.ContainingMessage() != merged.Descriptor() {
			return gateway.FieldError("update_mask", "names fields of another type of target than %s", to.TargetType)
		}
		merged.Clear(part)
		if given.Has(part) {
			merged.Set(part, given.Get(part))
		}
	}
	target := &postriderv1.Target{}
	target.ProtoReflect().Set(field, protoreflect.ValueOfMessage(merged))
	_, to.TargetConfig, err = NewTarget(target, to)
	return err
}

func targetFields() protoreflect.FieldDescriptors {
	return (&postriderv1.Target{}).ProtoReflect().Descriptor().Fields()
}

// configField is the case of the target's oneof that is set, nil when none is.
func configField(target *postriderv1.Target) protoreflect.FieldDescriptor {
	message := target.ProtoReflect()
	return message.WhichOneof(message.Descriptor().Oneofs().ByName("config"))
}

func parseConfig(kind string, config []byte) (proto.Message, error) {
	field := targetFields().ByName(protoreflect.Name(kind))
	if field == nil {
		return nil, fmt.Errorf("target type %q is not known", kind)
	}
	message := (&postriderv1.Target{}).ProtoReflect().NewField(field).Message().Interface()
	if err := protojson.Unmarshal(config, message); err != nil {
		return nil, fmt.Errorf("read the configuration of a %s: %w", kind, err)
	}
	return message, nil
}

// restore puts the stored values where hidden ones were sent back, as long as the target stays at its origin: a stored secret never goes
// to another address than the one it was given for.
func restore(path string, config, stored proto.Message) error {
	for _, kept := range redact.Restore(config, stored) {
		field := path + "." + kept.Path
		if !kept.Stored {
			return gateway.FieldError(field, "%q keeps a stored value, and there is none", redact.Hidden)
		}
		given := addresses(stored)
		for _, address := range addresses(config) {
			if !slices.ContainsFunc(given, func(g string) bool { return sameOrigin(address, g) }) {
				return gateway.FieldError(field, "its stored value was given for %s and is not sent to another address: "+
					"give the value again, or leave it out", originOf(given[0]))
			}
		}
	}
	return nil
}

// addresses are where a target sends: its field "url" or "urls".
func addresses(config proto.Message) (found []string) {
	message := config.ProtoReflect()
	if field := message.Descriptor().Fields().ByName("url"); field != nil {
		return []string{message.Get(field).String()}
	}
	if field := message.Descriptor().Fields().ByName("urls"); field != nil {
		list := message.Get(field).List()
		for i := range list.Len() {
			found = append(found, list.Get(i).String())
		}
	}
	return found
}

// sameOrigin reports whether two addresses have scheme, host and port in common. One that cannot be read has none.
func sameOrigin(a, b string) bool {
	origin := originOf(a)
	return origin != "" && origin == originOf(b)
}

// originOf is the scheme, host and port of an address as a URL; empty for one that cannot be read.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	origin := url.URL{Scheme: strings.ToLower(u.Scheme), Host: strings.ToLower(u.Host)}
	if port := defaultPorts[origin.Scheme]; port != "" {
		origin.Host = strings.TrimSuffix(origin.Host, ":"+port)
	}
	return origin.String()
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "nats": "4222", "tls": "4222"}
