package access

import "net/http"

// Private forbids caching: reads may come as GET, and their result depends on the caller.
func Private(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		service.ServeHTTP(w, r)
	})
}
