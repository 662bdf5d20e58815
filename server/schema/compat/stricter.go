package compat

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Strictness checks stored payloads of a type against the rules of a new version.
type Strictness struct {
	before, after *schema.Type
	broken        []brokenRule
	sampled       int
}

// brokenRule is a rule of the later version that stored events break, although they keep it in the earlier version or the
// earlier version does not have it.
type brokenRule struct {
	path, rule, message string
	example             string
	events              int
}

// NewStrictness returns a Strictness for two versions of a type.
func NewStrictness(before, after *schema.Type) *Strictness {
	return &Strictness{before: before, after: after}
}

// Add checks a stored event. It leaves out text payloads that the earlier version could not hold.
func (s *Strictness) Add(event *gateway.Event) error {
	if event.Schema == 0 {
		return nil
	}
	s.sampled++
	after, err := brokenRules(s.after, event.Data)
	if err != nil || len(after) == 0 {
		return err
	}
	before, err := brokenRules(s.before, event.Data)
	if err != nil {
		return err
	}
	counted := map[int]bool{}
	for _, v := range after {
		if !slices.ContainsFunc(before, func(b gateway.Violation) bool { return b.Field == v.Field && b.Rule == v.Rule }) {
			s.count(v, event.ID, counted)
		}
	}
	return nil
}

// count counts a violation by its rule and field, for all elements together. An event counts once.
func (s *Strictness) count(v gateway.Violation, id string, counted map[int]bool) {
	path := codec.WithoutSubscripts(v.Field)
	at := slices.IndexFunc(s.broken, func(b brokenRule) bool { return b.path == path && b.rule == v.Rule })
	if at < 0 {
		at = len(s.broken)
		s.broken = append(s.broken, brokenRule{path: path, rule: v.Rule, message: v.Message, example: id})
	}
	if !counted[at] {
		counted[at] = true
		s.broken[at].events++
	}
}

// Sampled returns the number of events that were checked.
func (s *Strictness) Sampled() int { return s.sampled }

// Incompatibilities returns the rules that stored events break.
func (s *Strictness) Incompatibilities() ([]Incompatibility, error) {
	compiled, err := s.after.Compiled()
	if err != nil {
		return nil, err
	}
	var found []Incompatibility
	for _, b := range s.broken {
		at := declarationAt(compiled.Descriptor(), strings.TrimPrefix(b.path, codec.DataField))
		place := compile.PositionOf(at)
		found = append(found, Incompatibility{
			File: place.File, Line: place.Line, Column: place.Column,
			Element: string(at.FullName()), Rule: RuleStricterRule,
			Message: fmt.Sprintf("%d of the %d newest stored events break it, for example %s: %s: %s",
				b.events, s.sampled, b.example, strings.TrimPrefix(b.path, "event."), b.message),
		})
	}
	return found, nil
}

// declarationAt returns the field to which a path below a message leads, ".lines[].quantity" for example, or the message for
// an empty path. If the path leads into an extension or an Any, it returns the field before it.
func declarationAt(message protoreflect.MessageDescriptor, path string) protoreflect.Descriptor {
	var at protoreflect.Descriptor = message
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		if message == nil {
			break
		}
		field := message.Fields().ByJSONName(strings.TrimSuffix(name, "[]"))
		if field == nil {
			break
		}
		if at = field; field.IsMap() {
			field = field.MapValue()
		}
		message = field.Message()
	}
	return at
}

// brokenRules checks an encoded payload of any version against the rules of this one. It ignores fields that this version
// does not have.
func brokenRules(t *schema.Type, encoded []byte) ([]gateway.Violation, error) {
	compiled, err := t.Compiled()
	if err != nil {
		return nil, err
	}
	payload, err := compiled.Decode(encoded)
	if err != nil {
		// The wire form differs: the comparison of the versions names the field.
		return nil, nil
	}
	return compiled.CheckRules(payload)
}
