package wire

import (
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// HiddenValue stands for a stored header value when a target is shown. Sent back, it keeps the value, as long as the
// target stays at its origin: a stored secret never goes to another address than the one it was given for.
const HiddenValue = "•••"

// Fields of a target's configuration: the headers, whose values are secret, and the address that they are sent to.
const (
	headersField = "headers"
	urlField     = "url"
)

// NewTarget reads a target: the name of its type and its configuration as the JSON of its message. current is the
// subscription whose target it replaces, for the header values that are to be kept; nil for a new one.
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
	if err := keepHidden("subscription.target."+kind, message, kept); err != nil {
		return "", nil, err
	}
	config, err = protojson.Marshal(message)
	return kind, config, err
}

// Target shows a target with its header values hidden.
func Target(kind string, config []byte) (*postriderv1.Target, error) {
	message, err := parseConfig(kind, config)
	if err != nil {
		return nil, err
	}
	hideHeaders(message)
	target := &postriderv1.Target{}
	field := targetFields().ByName(protoreflect.Name(kind))
	target.ProtoReflect().Set(field, protoreflect.ValueOfMessage(message.ProtoReflect()))
	return target, nil
}

// changeTargetParts writes fields of the target's configuration and keeps the others.
func changeTargetParts(to *gateway.Subscription, from *postriderv1.Subscription, parts []protoreflect.Name) error {
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
	hideHeaders(config)
	merged, given := config.ProtoReflect(), from.GetTarget().ProtoReflect().Get(field).Message()
	for _, name := range parts {
		part := merged.Descriptor().Fields().ByName(name)
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

func hideHeaders(config proto.Message) {
	headers, ok := headersOf(config)
	if !ok {
		return
	}
	headers.Range(func(name protoreflect.MapKey, _ protoreflect.Value) bool {
		headers.Set(name, protoreflect.ValueOfString(HiddenValue))
		return true
	})
}

// keepHidden puts the stored value where a hidden one was sent back.
func keepHidden(path string, config, kept proto.Message) error {
	headers, ok := headersOf(config)
	if !ok {
		return nil
	}
	moved := kept != nil && !sameOrigin(urlOf(config), urlOf(kept))
	for _, name := range slices.Sorted(hiddenNames(headers)) {
		field, key := fmt.Sprintf("%s.%s[%q]", path, headersField, name), protoreflect.ValueOfString(name).MapKey()
		stored, found := storedHeader(kept, key)
		switch {
		case !found:
			return gateway.FieldError(field, "%q keeps a stored value, and there is none", HiddenValue)
		case moved:
			return gateway.FieldError(field, "its stored value was given for %s and is not sent to another address: "+
				"give the value again, or send the headers without it", originOf(urlOf(kept)))
		}
		headers.Set(key, stored)
	}
	return nil
}

// hiddenNames are the names of the headers whose values were sent back hidden.
func hiddenNames(headers protoreflect.Map) iter.Seq[string] {
	return func(yield func(string) bool) {
		headers.Range(func(name protoreflect.MapKey, value protoreflect.Value) bool {
			return value.String() != HiddenValue || yield(name.String())
		})
	}
}

// urlOf is the address in a configuration; empty when it has none.
func urlOf(config proto.Message) string {
	message := config.ProtoReflect()
	field := message.Descriptor().Fields().ByName(urlField)
	if field == nil {
		return ""
	}
	return message.Get(field).String()
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

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func storedHeader(kept proto.Message, name protoreflect.MapKey) (protoreflect.Value, bool) {
	if kept == nil {
		return protoreflect.Value{}, false
	}
	headers, ok := headersOf(kept)
	if !ok || !headers.Has(name) {
		return protoreflect.Value{}, false
	}
	return headers.Get(name), true
}

// headersOf returns the headers of a configuration, ok false when it has none.
func headersOf(config proto.Message) (headers protoreflect.Map, ok bool) {
	message := config.ProtoReflect()
	field := message.Descriptor().Fields().ByName(headersField)
	if field == nil || !field.IsMap() || !message.Has(field) {
		return nil, false
	}
	return message.Mutable(field).Map(), true
}
