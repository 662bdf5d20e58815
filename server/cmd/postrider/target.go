package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// targetFlags are the flags for one type of target.
type targetFlags interface {
	add(set *pflag.FlagSet)
	// fields are the fields of the configuration that the flags change.
	fields() []flagField
	// config returns the configuration's message as the flags say it.
	config() (proto.Message, error)
	// place returns where the target sends, for a table.
	place(target *postriderv1.Target) string
}

// flagField is a flag, and the field of a configuration that it changes.
type flagField struct{ flag, field string }

// newTargets lists the types of target by the name of their case in postrider.v1.Target, one line each.
func newTargets() map[string]targetFlags {
	return map[string]targetFlags{
		"webhook": &webhookFlags{},
		"nats":    &natsFlags{},
	}
}

// chosenTarget is the target that the flags of a command describe.
type chosenTarget struct {
	kind  string
	types map[string]targetFlags
}

func (t *chosenTarget) add(set *pflag.FlagSet) {
	t.types = newTargets()
	set.Var(placeholder(&t.kind, "TYPE"), "target", "type of target: "+strings.Join(targetNames(t.types), " or ")+"; default: follows from the other flags")
	for _, name := range targetNames(t.types) {
		t.types[name].add(set)
	}
}

func targetNames(types map[string]targetFlags) []string {
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// choose returns the type that the flags name, or whose flags are given; "" for none. Flags of two types are an error.
func (t *chosenTarget) choose(set *pflag.FlagSet) (string, error) {
	if _, known := t.types[t.kind]; t.kind != "" && !known {
		return "", fmt.Errorf("--target: there is no type %q; the types are %s", t.kind, strings.Join(targetNames(t.types), " and "))
	}
	kind, by := t.kind, "--target "+t.kind
	for _, name := range targetNames(t.types) {
		for _, one := range t.changed(set, name) {
			if kind != "" && kind != name {
				return "", fmt.Errorf("--%s is for a target of type %s, %s for %s", one.flag, name, by, kind)
			}
			kind, by = name, "--"+one.flag
		}
	}
	return kind, nil
}

// changed are the flags of a type that are given.
func (t *chosenTarget) changed(set *pflag.FlagSet, kind string) (given []flagField) {
	for _, one := range t.types[kind].fields() {
		if set.Changed(one.flag) {
			given = append(given, one)
		}
	}
	return given
}

// create returns the target of a new subscription.
func (t *chosenTarget) create(set *pflag.FlagSet) (*postriderv1.Target, error) {
	kind, err := t.choose(set)
	if err != nil {
		return nil, err
	}
	if kind == "" {
		return nil, errors.New("--url is missing; for another target than a webhook give --target")
	}
	config, err := t.types[kind].config()
	return wrapTarget(kind, config), err
}

// update changes what is given of a target, and returns the paths of the request for it. Another type takes the place of the whole target.
func (t *chosenTarget) update(set *pflag.FlagSet, current *postriderv1.Target) (*postriderv1.Target, []string, error) {
	kind, err := t.choose(set)
	if err != nil || kind == "" {
		return current, nil, err
	}
	config, err := t.types[kind].config()
	if err != nil {
		return nil, nil, err
	}
	now := current.ProtoReflect().WhichOneof(targetOneof())
	if now == nil || string(now.Name()) != kind {
		return wrapTarget(kind, config), []string{"target"}, nil
	}
	changed := proto.Clone(current).(*postriderv1.Target)
	to, from := changed.ProtoReflect().Mutable(now).Message(), config.ProtoReflect()
	var paths []string
	for _, one := range t.changed(set, kind) {
		field := from.Descriptor().Fields().ByName(protoreflect.Name(one.field))
		to.Clear(field)
		if from.Has(field) {
			to.Set(field, from.Get(field))
		}
		paths = append(paths, "target."+kind+"."+one.field)
	}
	return changed, paths, nil
}

// place returns where a target sends, for a table.
func placeOf(target *postriderv1.Target) string {
	now := target.ProtoReflect().WhichOneof(targetOneof())
	if now == nil {
		return ""
	}
	flags, known := newTargets()[string(now.Name())]
	if !known {
		return string(now.Name())
	}
	return flags.place(target)
}

func targetOneof() protoreflect.OneofDescriptor {
	return (&postriderv1.Target{}).ProtoReflect().Descriptor().Oneofs().ByName("config")
}

func wrapTarget(kind string, config proto.Message) *postriderv1.Target {
	target := &postriderv1.Target{}
	if config != nil {
		field := targetOneof().Fields().ByName(protoreflect.Name(kind))
		target.ProtoReflect().Set(field, protoreflect.ValueOfMessage(config.ProtoReflect()))
	}
	return target
}
