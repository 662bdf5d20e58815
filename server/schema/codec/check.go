package codec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// maxChecked is the number of fields, elements and entries up to which all violations of a payload are reported. Each can
// have a violation, which takes a kilobyte. For a larger payload only the first violation is reported.
const maxChecked = 1000

func (m *Message) hasFewFaults(payload protoreflect.Message) bool {
	w := &payloadWalk{left: maxChecked, weight: func(m *Message) int { return 1 + len(m.ordered) }, entry: 1}
	return w.fits(m, payload)
}

// CheckRules checks a payload against the rules of its schema.
func (m *Message) CheckRules(payload proto.Message) ([]gateway.Violation, error) {
	validator, err := m.codec.Rules()
	if err != nil {
		return nil, fmt.Errorf("prepare the rules of %s: %w", m.descriptor.FullName(), err)
	}
	if tooLong := m.patternTooLong(payload); tooLong != nil {
		return []gateway.Violation{*tooLong}, nil
	}
	err = validator.Validate(payload, protovalidate.WithFailFast())
	if err != nil && m.hasFewFaults(payload.ProtoReflect()) {
		err = validator.Validate(payload)
	}
	if err == nil {
		return nil, nil
	}
	var failed *protovalidate.RuntimeError
	if errors.As(err, &failed) {
		return []gateway.Violation{m.notEvaluated(failed)}, nil
	}
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return nil, fmt.Errorf("check the rules of %s: %w", m.descriptor.FullName(), err)
	}
	var violations []gateway.Violation
	for _, one := range broken.Violations[:min(len(broken.Violations), MaxViolations)] {
		violations = append(violations, gateway.Violation{
			Field:   cutText(m.appendRulePath([]byte(DataField), one.Proto.GetField())),
			Rule:    one.Proto.GetRuleId(),
			Message: cutText(one.Proto.GetMessage()),
		})
	}
	return slices.Clip(violations), nil
}

// appendRulePath appends a field path of the validator, with the JSON names of fields.
func (m *Message) appendRulePath(path []byte, elements *validate.FieldPath) []byte {
	within := m
	for _, element := range elements.GetElements() {
		var next *Message
		if f := within.field(element.GetFieldNumber()); f != nil {
			path, next = appendField(path, f), f.within()
		} else {
			path = AppendName(path, element.GetFieldName())
		}
		path = appendSubscript(path, element)
		within = next
	}
	return path
}

func appendSubscript(path []byte, element *validate.FieldPathElement) []byte {
	switch subscript := element.GetSubscript().(type) {
	case *validate.FieldPathElement_Index:
		return fmt.Appendf(path, "[%d]", subscript.Index)
	case *validate.FieldPathElement_BoolKey:
		return fmt.Appendf(path, "[%t]", subscript.BoolKey)
	case *validate.FieldPathElement_IntKey:
		return fmt.Appendf(path, "[%d]", subscript.IntKey)
	case *validate.FieldPathElement_UintKey:
		return fmt.Appendf(path, "[%d]", subscript.UintKey)
	case *validate.FieldPathElement_StringKey:
		return fmt.Appendf(path, "[%q]", subscript.StringKey)
	default:
		return path
	}
}

// notEvaluated returns the violation for a rule that could not be evaluated on a payload, or not within its budget.
func (m *Message) notEvaluated(failed *protovalidate.RuntimeError) gateway.Violation {
	rule, reason := "", failed.Error()
	if within := failed.Unwrap(); within != nil && errors.Unwrap(within) != nil {
		reason = errors.Unwrap(within).Error()
		rule = strings.TrimSuffix(strings.TrimPrefix(within.Error(), "error evaluating "), ": "+reason)
	}
	return gateway.Violation{
		Field: string(m.appendPathOfRule([]byte(DataField), rule, map[*Message]bool{})), Rule: rule,
		Message: "the rule fails on this event: " + reason,
	}
}

// appendPathOfRule appends the path of the first field or message that has a rule, or the path of m if none has.
func (m *Message) appendPathOfRule(path []byte, rule string, seen map[*Message]bool) []byte {
	if found := m.pathOfRule(path, rule, seen); found != nil {
		return found
	}
	return path
}

func (m *Message) pathOfRule(path []byte, rule string, seen map[*Message]bool) []byte {
	if seen[m] {
		return nil
	}
	seen[m] = true
	if rules, err := protovalidate.ResolveMessageRules(m.descriptor); err == nil && hasRule(rules.GetCelExpression(), rules.GetCel(), rule) {
		return path
	}
	for _, f := range m.ordered {
		at := appendField(path[:len(path):len(path)], f)
		if fieldHasRule(compile.RulesOf(f.descriptor), rule) {
			return at
		}
		if within := f.within(); within != nil {
			if found := within.pathOfRule(at, rule, seen); found != nil {
				return found
			}
		}
	}
	return nil
}

func fieldHasRule(rules *validate.FieldRules, rule string) bool {
	if rules == nil {
		return false
	}
	return hasRule(rules.GetCelExpression(), rules.GetCel(), rule) || fieldHasRule(rules.GetRepeated().GetItems(), rule) ||
		fieldHasRule(rules.GetMap().GetKeys(), rule) || fieldHasRule(rules.GetMap().GetValues(), rule)
}

func hasRule(expressions []string, rules []*validate.Rule, rule string) bool {
	return slices.Contains(expressions, rule) || slices.ContainsFunc(rules, func(r *validate.Rule) bool { return r.GetId() == rule })
}
