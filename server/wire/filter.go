package wire

import (
	"fmt"

	"github.com/postrider-dev/postrider/server/gateway"
)

// NewFilter reads event type patterns. field names the list in errors, for example "types".
func NewFilter(field string, patterns []string) (gateway.Filter, error) {
	if len(patterns) > gateway.MaxPatterns {
		return gateway.Filter{}, gateway.FieldError(field, "may have %d patterns", gateway.MaxPatterns)
	}
	for i, pattern := range patterns {
		if !gateway.ValidPattern(pattern) {
			return gateway.Filter{}, gateway.FieldError(fmt.Sprintf("%s[%d]", field, i),
				`%q is not an event type, a prefix such as "order.*", or "*"`, pattern)
		}
	}
	return gateway.Filter{Types: patterns}, nil
}
