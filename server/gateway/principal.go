package gateway

import "time"

// Scope is what a key may do.
type Scope uint8

// The scopes; a set is their bitwise or. Values are stored.
const (
	ScopeAdmin Scope = 1 << iota
	ScopePublish
	ScopeConsume
)

// Has reports whether the set allows what one scope allows; admin allows everything.
func (s Scope) Has(one Scope) bool { return s&ScopeAdmin != 0 || s&one != 0 }

// Principal is who calls.
type Principal struct {
	// KeyID is the API key's id, "admin" for the server's admin key.
	KeyID   string
	KeyName string
	// Tenant confines the caller; 0 for a server-scoped key.
	Tenant TenantID
	Scopes Scope
	// SessionEnd is when the caller's session cookie ends; zero for a bearer key.
	SessionEnd time.Time
}

// SessionID tells sessions of the web UI apart.
type SessionID [16]byte

// Session is a sign-in to the web UI.
type Session struct {
	ID SessionID
	// KeyID and Tenant are those of the key that signed in.
	KeyID  string
	Tenant TenantID
	// Expires is when it ends by itself.
	Expires time.Time
}

// ServerScoped reports whether the caller may name any tenant.
func (p Principal) ServerScoped() bool { return p.Tenant == 0 }

// Tenant is a customer of the operator.
type Tenant struct {
	ID          TenantID
	Name        string
	DisplayName string
	// TypedOnly refuses events whose type has no schema.
	TypedOnly bool
	// PurgedTo is the position up to which retention has removed the tenant's events.
	PurgedTo   Position
	Revision   int64
	CreateTime time.Time
	UpdateTime time.Time
}

// DefaultTenant is the tenant of a fresh server.
const DefaultTenant = "default"

// APIKey lets a client in. Only a hash of its secret is kept.
type APIKey struct {
	ID     int64
	UID    string
	Name   string
	Tenant TenantID
	Scopes Scope
	// Hash is the SHA-256 of the secret.
	Hash [32]byte
	// Hint is the beginning of the secret, to recognise it.
	Hint       string
	Revision   int64
	CreateTime time.Time
	UpdateTime time.Time
	// RevokeTime is zero while the key is good.
	RevokeTime time.Time
}
