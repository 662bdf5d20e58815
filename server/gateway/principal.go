package gateway

import "time"

// Scope is what a key allows.
type Scope uint8

// The scopes; a set is their bitwise or. Values are stored.
const (
	ScopeAdmin Scope = 1 << iota
	ScopePublish
	ScopeConsume
)

// Has reports whether the set includes a scope; admin includes all.
func (s Scope) Has(one Scope) bool { return s&ScopeAdmin != 0 || s&one != 0 }

// Principal is the caller.
type Principal struct {
	// KeyID is the API key's id, "admin" for the server's admin key.
	KeyID   string
	KeyName string
	// Tenant is the tenant to which the caller is confined; 0 for a server-scoped key.
	Tenant TenantID
	Scopes Scope
	// SessionEnd is when the caller's session cookie ends; zero for a bearer key.
	SessionEnd time.Time
}

// SessionID identifies a session of the web UI.
type SessionID [16]byte

// Session is a sign-in to the web UI.
type Session struct {
	ID SessionID
	// KeyID and Tenant are those of the key that signed in.
	KeyID  string
	Tenant TenantID
	// Expires is when the session ends by itself.
	Expires time.Time
}

// ServerScoped reports whether the caller may name any tenant.
func (p Principal) ServerScoped() bool { return p.Tenant == 0 }

// Tenant is a customer of the operator.
type Tenant struct {
	ID          TenantID
	Name        string
	DisplayName string
	// TypedOnly means that events whose type has no schema are refused.
	TypedOnly bool
	// PurgedTo is the position up to which retention has removed the tenant's events.
	PurgedTo   Position
	Revision   int64
	CreateTime time.Time
	UpdateTime time.Time
}

// DefaultTenant is the tenant of a fresh server.
const DefaultTenant = "default"

// APIKey is the key of a client. Only a hash of its secret is stored.
type APIKey struct {
	ID     int64
	UID    string
	Name   string
	Tenant TenantID
	Scopes Scope
	// Hash is the SHA-256 of the secret.
	Hash [32]byte
	// Hint is the beginning of the secret, so that people recognise it.
	Hint       string
	Revision   int64
	CreateTime time.Time
	UpdateTime time.Time
	// RevokeTime is zero as long as the key is valid.
	RevokeTime time.Time
}
