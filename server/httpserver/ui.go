package httpserver

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// contentPolicy allows the UI to load its own files and to call its own server, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Postrider</title>
<p>This server was built without the web UI. Run <code>make build</code> and start it again; the API works meanwhile.</p>
</html>
`

// serveUI serves the files of the built web UI. Other paths are routes of the UI and get index.html.
func serveUI(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setPageHeaders(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		switch {
		case isFile(files, name):
			serveAsset(w, r, files, name)
		case name == "" || name == "index.html" || isRoute(name, r):
			serveIndex(w, r, files)
		default:
			http.NotFound(w, r)
		}
	})
}

func setPageHeaders(header http.Header) {
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func isFile(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && !info.IsDir() && path.Base(name) != "index.html" && !strings.HasPrefix(path.Base(name), ".")
}

// isRoute reports whether a path is a page of the UI to which a browser navigates, and not a missing file or procedure.
func isRoute(name string, r *http.Request) bool {
	return !strings.HasPrefix(name, "assets/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func serveAsset(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	if strings.HasPrefix(name, "assets/") {
		// The build puts a hash of the content into these names.
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	http.ServeFileFS(w, r, files, name)
}

func serveIndex(w http.ResponseWriter, r *http.Request, files fs.FS) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page, err := fs.ReadFile(files, "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		page = []byte(notBuilt)
	} else if err != nil {
		http.Error(w, "the web UI cannot be read", http.StatusInternalServerError)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(page)
	}
}
