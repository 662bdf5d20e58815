// Package web embeds the built web UI.
package web

import (
	"embed"
	"io/fs"
)

// The folder holds only .gitkeep until `make web` has run; "all:" keeps the package compiling until then.
//
//go:embed all:dist
var dist embed.FS

// FS answers the files of the built UI, index.html at the root. Without a build it holds no index.html.
func FS() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: dist is not embedded: " + err.Error()) // Impossible: the name above is a valid path.
	}
	return files
}
