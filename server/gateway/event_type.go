package gateway

import "time"

// Level is what happens to an event that breaks its type's schema.
type Level uint8

// The levels. Values are stored.
const (
	// LevelOff: accepted, unmarked.
	LevelOff Level = iota
	// LevelWarn: accepted, marked with its violations and counted.
	LevelWarn
	// LevelEnforce: refused.
	LevelEnforce
)

func (l Level) String() string {
	switch l {
	case LevelOff:
		return "off"
	case LevelWarn:
		return "warn"
	default:
		return "enforce"
	}
}

// UnknownFields is how fields of a payload are treated that its schema does not have.
type UnknownFields uint8

// The treatments. Values are stored.
const (
	// RefuseUnknown: they break the schema.
	RefuseUnknown UnknownFields = iota
	// IgnoreUnknown: they are left out, and counted.
	IgnoreUnknown
)

// EventType is an event type: a name, with a Protobuf message as its schema.
type EventType struct {
	Name string
	// Level applies to tenants that are not in TenantLevels.
	Level Level
	// TenantLevels holds the levels of tenants that have one of their own. The map is shared and must not be changed.
	TenantLevels map[TenantID]Level
	// UnknownFields applies to every tenant.
	UnknownFields UnknownFields
	// Deprecated types still accept events; DeprecationNote says why, and what to use instead.
	Deprecated      bool
	DeprecationNote string
	// Description and Message are those of the latest version.
	Description   string
	Message       string
	LatestVersion int
	Revision      int64
	CreateTime    time.Time
	UpdateTime    time.Time
}

// LevelOf returns the level that applies to a tenant.
func (t *EventType) LevelOf(tenant TenantID) Level {
	if own, ok := t.TenantLevels[tenant]; ok {
		return own
	}
	return t.Level
}
