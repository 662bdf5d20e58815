package filter

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"

	"github.com/postrider-dev/postrider/server/meter"
)

// patternLiterals refuses regular expressions that are invalid or too large. CEL's own limit panics on a counted repetition,
// as in "[0-9]{4}".
type patternLiterals struct{}

// Name returns the validator's name.
func (patternLiterals) Name() string { return "postrider.validator.matches" }

// Validate checks every constant pattern of an expression.
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
