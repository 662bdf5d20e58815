package store

import (
	"encoding/json"
	"fmt"

	"github.com/postrider-dev/postrider/server/gateway"
)

// brokenSchema is the stored form of the violations of an event that was accepted although it breaks its schema.
type brokenSchema struct {
	// Unfit is the schema that cannot hold the payload, 0 if there is none.
	Unfit      gateway.SchemaID  `json:"unfit,omitempty"`
	Violations []storedViolation `json:"violations"`
}

type storedViolation struct {
	Field   string `json:"field"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

// encodeViolations returns null for an event that breaks nothing, which is the common case.
func encodeViolations(e *gateway.Event) any {
	if len(e.Violations) == 0 && e.Unfit == 0 {
		return nil
	}
	broken := brokenSchema{Unfit: e.Unfit, Violations: make([]storedViolation, len(e.Violations))}
	for i, v := range e.Violations {
		broken.Violations[i] = storedViolation(v)
	}
	// Marshalling text and a number cannot fail.
	encoded, _ := json.Marshal(broken)
	return encoded
}

func decodeViolations(e *gateway.Event, encoded []byte) error {
	if encoded == nil {
		return nil
	}
	var broken brokenSchema
	if err := json.Unmarshal(encoded, &broken); err != nil {
		return fmt.Errorf("read violations of event %q: %w", e.ID, err)
	}
	e.Unfit, e.Violations = broken.Unfit, make([]gateway.Violation, len(broken.Violations))
	for i, v := range broken.Violations {
		e.Violations[i] = gateway.Violation(v)
	}
	return nil
}
