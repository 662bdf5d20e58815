package filter

import (
	"fmt"

	pvcel "buf.build/go/protovalidate/cel"
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter"
	"github.com/postrider-dev/postrider/server/schema"
)

// maxNesting limits the recursion of the parser.
const maxNesting = 100

// validateFunctions are the functions of protovalidate's rules that are available in expressions, too.
var validateFunctions = []string{
	"unique", "isNan", "isInf", "isHostname", "isEmail", "isIp", "isIpPrefix", "isUri", "isUriRef", "isHostAndPort",
}

// language has the options of all environments.
type language struct {
	env   *cel.Env
	types *types.Registry
}

func newLanguage() (*language, error) {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EnableMacroCallTracking(),
		cel.OptionalTypes(),
		cel.ParserExpressionSizeLimit(gateway.MaxExpressionLength),
		cel.ParserRecursionLimit(maxNesting),
		cel.ASTValidators(patternLiterals{}, cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
		ext.Strings(),
	}
	// Only the functions are used: the library also declares every message that is linked into the server, and a schema may
	// have other messages with the same names.
	rules, err := cel.NewEnv(cel.Lib(pvcel.NewLibrary()))
	if err != nil {
		return nil, fmt.Errorf("functions of protovalidate: %w", err)
	}
	functions := rules.Functions()
	for _, name := range validateFunctions {
		if f := functions[name]; f != nil {
			options = append(options, cel.FunctionDecls(f))
		}
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("language of filters: %w", err)
	}
	rates := meter.Rates{Find: meterOf, MaxPattern: meter.MaxPattern}
	if env, err = rates.Meter(env); err != nil {
		return nil, fmt.Errorf("language of filters: %w", err)
	}
	base, ok := env.CELTypeProvider().(*types.Registry)
	if !ok {
		return nil, fmt.Errorf("language of filters: types are in a %T", env.CELTypeProvider())
	}
	return &language{env: env, types: base.Copy()}, nil
}

// environment compiles expressions for the events of one schema version.
type environment struct {
	*cel.Env
	typing *typing
	// subject describes these events in messages.
	subject string
	// open means that a payload has parts that are decoded each time they are read.
	open bool
}

// environment returns one for a version of a type and the newest version of that type; both are nil for untyped events.
func (l *language) environment(version, newest *schema.Type) (*environment, error) {
	made := &environment{subject: "untyped events"}
	var root, last protoreflect.MessageDescriptor
	var err error
	if version != nil {
		if root, err = version.Descriptor(); err != nil {
			return nil, err
		}
		if last, err = newest.Descriptor(); err != nil {
			return nil, err
		}
		made.subject = fmt.Sprintf("%s version %d", version.Name(), version.Version())
		made.open = holdsAny(root)
	}
	if version == newest {
		last = root
	}
	made.typing = newTyping(l.types, root, last)
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(made.typing), cel.CustomTypeProvider(made.typing),
		cel.Variable(eventVariable, cel.ObjectType(eventType)),
	}
	if root != nil && root.ParentFile().Package() != "" {
		// Values of enums may be named relative to the package of the schema's own files.
		options = append(options, cel.Container(string(root.ParentFile().Package())))
	}
	if made.Env, err = l.env.Extend(options...); err != nil {
		return nil, fmt.Errorf("filters of %s: %w", made.subject, err)
	}
	return made, nil
}

// compile type-checks an expression. If there are problems, it returns no tree.
func (e *environment) compile(text string) (*cel.Ast, []Problem) {
	tree, issues := e.Compile(text)
	if len(issues.Errors()) > 0 {
		return nil, e.problems(text, issues.Errors())
	}
	if kind := tree.OutputType(); !kind.IsExactType(cel.BoolType) && !kind.IsExactType(cel.DynType) {
		return nil, []Problem{{Line: 1, Column: 1, Message: "must be true or false, and is " + article(cel.FormatCELType(kind))}}
	}
	return tree, nil
}

// program returns the program of a checked expression. With details, it records the value of each part.
func (e *environment) program(tree *cel.Ast, details bool) (cel.Program, error) {
	options := cel.EvalOptions(cel.OptOptimize)
	if details {
		options = cel.EvalOptions(cel.OptTrackState)
	}
	return e.Program(tree, options)
}

// article prefixes a type's name with "a" or "an".
func article(name string) string {
	switch name[0] {
	case 'a', 'e', 'i', 'o', 'u':
		if name != "uint" {
			return "an " + name
		}
	}
	return "a " + name
}
