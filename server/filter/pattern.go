package filter

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"

	"github.com/postrider-dev/postrider/server/meter"
)

// patternLiterals refuses regular expressions that are wrong or too large. CEL's own bound of their size panics on a
// repetition that is counted, as in "[0-9]{4}".
type patternLiterals struct{}

// Name is the validator's.
func (patternLiterals) Name() string { return "postrider.validator.matches" }

// Validate looks at every pattern that is written in an expression.
func (patternLiterals) Validate(_ *cel.Env, _ cel.ValidatorConfig, tree *ast.AST, issues *cel.Issues) {
	for _, call := range ast.MatchDescendants(ast.NavigateAST(tree), ast.FunctionMatcher(overloads.Matches)) {
		arguments := call.AsCall().Args()
		pattern := arguments[len(arguments)-1]
		if pattern.Kind() != ast.LiteralKind {
			continue
		}
		if text, ok := pattern.AsLiteral().Value().(string); ok {
			if _, _, err := meter.Pattern(text, meter.MaxPattern); err != nil {
				issues.ReportErrorAtID(pattern.ID(), "invalid matches argument: %s", err)
				return // The others are found when this one is right: CEL shows each problem with the whole expression.
			}
		}
	}
}
