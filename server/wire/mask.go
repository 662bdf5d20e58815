package wire

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// change applies one field of an update to a subscription.
type change func(to *gateway.Subscription, from *postriderv1.Subscription) error

// changes has the paths that an update mask may contain, besides those below target.
var changes = map[string]change{
	"name":                  changeName,
	"description":           changeDescription,
	"filter":                changeFilter,
	"filter.types":          changeTypes,
	"filter.expression":     changeExpression,
	"target":                changeTarget,
	"policy":                changePolicy,
	"policy.retry_schedule": changeSchedule,
	"policy.concurrency":    changeConcurrency,
	"policy.timeout":        changeTimeout,
	"secret":                changeSecret,
	"payload_format":        changePayloadFormat,
}

// changeOf returns the change of the part that path names; nil for one that cannot be changed, and for a field of a target's
// configuration.
func changeOf(path string) change {
	if kind, ok := strings.CutPrefix(path, "target."); ok && targetFields().ByName(protoreflect.Name(kind)) != nil {
		return changeTarget
	}
	return changes[path]
}

// targetPart returns the field of a target's configuration that path names, such as "target.webhook.url"; nil for none. Those
// of one mask are written together: whether a stored secret may be kept depends on the address.
func targetPart(path string) protoreflect.FieldDescriptor {
	names := strings.Split(path, ".")
	if len(names) != 3 || names[0] != "target" {
		return nil
	}
	kind := targetFields().ByName(protoreflect.Name(names[1]))
	if kind == nil {
		return nil
	}
	return kind.Message().Fields().ByName(protoreflect.Name(names[2]))
}

// SubscriptionUpdate is a validated update of a subscription.
type SubscriptionUpdate struct {
	from  *postriderv1.Subscription
	paths []string
}

// NewSubscriptionUpdate converts an update: the fields in the mask, or the fields that are set if there is no mask. A path
// that is unknown or cannot be changed is refused by name.
func NewSubscriptionUpdate(request *postriderv1.UpdateSubscriptionRequest) (SubscriptionUpdate, error) {
	update := SubscriptionUpdate{from: request.GetSubscription()}
	if update.from.GetId() == "" {
		return update, gateway.FieldError("subscription.id", "is required")
	}
	if request.UpdateMask == nil {
		update.paths = setPaths(update.from)
		if update.from.GetStart() != "" {
			return update, gateway.FieldError("subscription.start", "is fixed at creation")
		}
		return update, nil
	}
	paths, err := maskPaths(request.UpdateMask)
	update.paths = paths
	return update, err
}

// Apply applies the changes. It can be called again with another state of the same subscription.
func (u SubscriptionUpdate) Apply(to *gateway.Subscription) error {
	var parts []protoreflect.FieldDescriptor
	for _, path := range u.paths {
		if part := targetPart(path); part != nil {
			parts = append(parts, part)
		} else if err := changeOf(path)(to, u.from); err != nil {
			return err
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return changeTargetParts(to, u.from, parts)
}

// Changes reports whether the update changes the field of path, or a field below it.
func (u SubscriptionUpdate) Changes(part string) bool {
	return slices.ContainsFunc(u.paths, func(path string) bool {
		return path == part || len(path) > len(part) && path[:len(part)+1] == part+"."
	})
}

// maskPaths validates a mask. Wider paths come first, so that they do not overwrite narrower ones.
func maskPaths(mask *fieldmaskpb.FieldMask) ([]string, error) {
	paths := slices.Clone(mask.GetPaths())
	for i, path := range paths {
		if changeOf(path) == nil && targetPart(path) == nil {
			return nil, gateway.FieldError(fmt.Sprintf("update_mask.paths[%d]", i), "%s", maskFault(path))
		}
	}
	if len(paths) == 0 {
		return nil, gateway.FieldError("update_mask", "names no field; leave it out to change the fields set")
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func maskFault(path string) string {
	field := (&postriderv1.Subscription{}).ProtoReflect().Descriptor().Fields()
	for i := range field.Len() {
		if string(field.Get(i).Name()) == path {
			return fmt.Sprintf("%q cannot be changed", path)
		}
	}
	return fmt.Sprintf("%q is not a field that can be changed", path)
}

// setPaths returns the paths of the fields that are set and can be changed. A policy or a filter is set as a whole.
func setPaths(from *postriderv1.Subscription) []string {
	var paths []string
	add := func(set bool, path string) {
		if set {
			paths = append(paths, path)
		}
	}
	add(from.GetName() != "", "name")
	add(from.GetDescription() != "", "description")
	add(from.Filter != nil, "filter")
	add(from.Target != nil, "target")
	add(from.Policy != nil, "policy")
	add(from.GetSecret() != "", "secret")
	add(from.GetPayloadFormat() != 0, "payload_format")
	return paths
}

func changeName(to *gateway.Subscription, from *postriderv1.Subscription) error {
	if from.GetName() == "" {
		return gateway.FieldError("subscription.name", "is required")
	}
	if from.GetName() == to.Name {
		return nil
	}
	to.Name = from.GetName()
	return gateway.CheckName("subscription.name", to.Name)
}

func changeDescription(to *gateway.Subscription, from *postriderv1.Subscription) error {
	to.Description = from.GetDescription()
	return nil
}

func changeFilter(to *gateway.Subscription, from *postriderv1.Subscription) error {
	filter, err := ReadFilter(filterField, from.GetFilter())
	to.Filter = filter
	return err
}

func changeTypes(to *gateway.Subscription, from *postriderv1.Subscription) error {
	filter, err := NewFilter(filterField+".types", from.GetFilter().GetTypes())
	to.Filter.Types = filter.Types
	return err
}

func changeExpression(to *gateway.Subscription, from *postriderv1.Subscription) error {
	expression, err := NewExpression(filterField+".expression", from.GetFilter().GetExpression())
	to.Filter.Expression = expression
	return err
}

func changeTarget(to *gateway.Subscription, from *postriderv1.Subscription) error {
	kind, config, err := NewTarget(from.GetTarget(), to)
	if err != nil {
		return err
	}
	to.TargetType, to.TargetConfig = kind, config
	return nil
}

func changePolicy(to *gateway.Subscription, from *postriderv1.Subscription) error {
	to.Policy = newPolicy(from.GetPolicy())
	return nil
}

func changeSchedule(to *gateway.Subscription, from *postriderv1.Subscription) error {
	to.Policy.RetrySchedule = newSchedule(from.GetPolicy().GetRetrySchedule())
	return nil
}

func changeConcurrency(to *gateway.Subscription, from *postriderv1.Subscription) error {
	to.Policy.Concurrency = int(from.GetPolicy().GetConcurrency())
	return nil
}

func changeTimeout(to *gateway.Subscription, from *postriderv1.Subscription) error {
	to.Policy.Timeout = from.GetPolicy().GetTimeout().AsDuration()
	return nil
}

func changeSecret(to *gateway.Subscription, from *postriderv1.Subscription) error {
	if from.GetSecret() == "" {
		return gateway.FieldError("subscription.secret", "is required")
	}
	to.Secret = from.GetSecret()
	return nil
}

func changePayloadFormat(to *gateway.Subscription, from *postriderv1.Subscription) error {
	to.Payload = gateway.PayloadFormat(from.GetPayloadFormat())
	return nil
}

// namedFields validates the mask of a resource with few fields that can be changed. Other fields are refused by name.
func namedFields(mask *fieldmaskpb.FieldMask, changeable ...string) (map[string]bool, error) {
	named := make(map[string]bool)
	for i, path := range mask.GetPaths() {
		if !slices.Contains(changeable, path) {
			return nil, gateway.FieldError(fmt.Sprintf("update_mask.paths[%d]", i), "%q is not a field that can be changed; these are: %s",
				path, strings.Join(changeable, ", "))
		}
		named[path] = true
	}
	if len(named) == 0 {
		return nil, gateway.FieldError("update_mask", "names no field; leave it out to change the fields set")
	}
	return named, nil
}
