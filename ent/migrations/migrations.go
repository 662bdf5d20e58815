// Package migrations holds the versioned migrations of both dialects, written by ./diff and applied by the store.
package migrations

import "embed"

// Files has one folder per dialect, "sqlite" and "postgres", with the same versions.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
