package gateway

import (
	"regexp"
	"slices"
	"strings"
)

// MaxPatterns is the maximum number of type patterns of a filter.
const MaxPatterns = 100

// MaxExpressionLength is the maximum length of a filter's expression, in characters.
const MaxExpressionLength = 4096

// Filter selects events of one tenant: those whose type a pattern selects and for which the expression is true.
type Filter struct {
	// Types are patterns: exact ("order.created"), by prefix ("order.*", any depth) or all ("*"). None means all.
	Types []string
	// Expression is a CEL expression over `event`; an empty one selects all events. server/filter evaluates it. The
	// functions of this package consider only the patterns.
	Expression string
}

// Equal reports whether two filters are written the same.
func (f Filter) Equal(other Filter) bool {
	return f.Expression == other.Expression && slices.Equal(f.Types, other.Types)
}

var typePattern = regexp.MustCompile(`^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$`)

// ValidType reports whether name can be the name of an event type. It runs for every event, so it does not use a regular
// expression.
func ValidType(name string) bool {
	if name == "" || len(name) > MaxTypeLength || name[len(name)-1] == '.' {
		return false
	}
	before := byte('.')
	for i := range len(name) {
		at := name[i]
		if at == '.' && before == '.' || at != '.' && !isWord(at) {
			return false
		}
		before = at
	}
	return true
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// ValidPattern reports whether pattern can be part of a filter.
func ValidPattern(pattern string) bool {
	return len(pattern) <= MaxTypeLength+2 && typePattern.MatchString(pattern)
}

// MatchesAll reports whether the patterns select every type.
func (f Filter) MatchesAll() bool {
	if len(f.Types) == 0 {
		return true
	}
	for _, p := range f.Types {
		if p == "*" {
			return true
		}
	}
	return false
}

// Match reports whether the patterns select an event of this type.
func (f Filter) Match(eventType string) bool {
	if len(f.Types) == 0 {
		return true
	}
	for _, p := range f.Types {
		if MatchPattern(p, eventType) {
			return true
		}
	}
	return false
}

// MatchPattern reports whether one pattern selects a type.
func MatchPattern(pattern, eventType string) bool {
	if pattern == "*" {
		return true
	}
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(eventType, prefix)
	}
	return pattern == eventType
}
