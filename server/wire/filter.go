package wire

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// NewFilter converts event type patterns. field is the name of the list in errors, for example "types".
func NewFilter(field string, patterns []string) (gateway.Filter, error) {
	if len(patterns) > gateway.MaxPatterns {
		return gateway.Filter{}, gateway.FieldError(field, "must have at most %d patterns", gateway.MaxPatterns)
	}
	for i, pattern := range patterns {
		if !gateway.ValidPattern(pattern) {
			return gateway.Filter{}, gateway.FieldError(fmt.Sprintf("%s[%d]", field, i),
				`%q is not an event type, a prefix such as "order.*", or "*"`, pattern)
		}
	}
	return gateway.Filter{Types: patterns}, nil
}

// ReadFilter converts a filter. field is its name in errors, for example "subscription.filter". It does not check whether the
// expression compiles.
func ReadFilter(field string, from *postriderv1.Filter) (gateway.Filter, error) {
	f, err := NewFilter(field+".types", from.GetTypes())
	if err != nil {
		return f, err
	}
	f.Expression, err = NewExpression(field+".expression", from.GetExpression())
	return f, err
}

// filterName is the rule of NamedFilter.name, for transports whose requests are not validated by the rules of the contract.
var filterName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// ValidFilterName reports whether name is valid for one of several filters of a stream.
func ValidFilterName(name string) bool { return filterName.MatchString(name) }

// NewExpression returns the expression of a filter. White space alone is no expression.
func NewExpression(field, text string) (string, error) {
	if utf8.RuneCountInString(text) > gateway.MaxExpressionLength {
		return "", gateway.FieldError(field, "must have at most %d characters", gateway.MaxExpressionLength)
	}
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	return text, nil
}

// Filter converts a filter to its message.
func Filter(f gateway.Filter) *postriderv1.Filter {
	return &postriderv1.Filter{Types: f.Types, Expression: f.Expression}
}

// FilterResult converts the result of a filter for an event.
func FilterResult(event *gateway.Event, matched bool, reason string) *postriderv1.FilterResult {
	return &postriderv1.FilterResult{
		EventId: event.ID, EventType: event.Type, AcceptTime: timestamp(event.AcceptTime), Matched: matched, Reason: printable(reason),
	}
}
