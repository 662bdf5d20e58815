package access

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/postrider-dev/postrider/server/gateway"
)

// checkOrigin refuses requests that a browser sends for another site's page. Non-browser clients send neither header, and have no
// cookie that could be misused.
func checkOrigin(header http.Header) error {
	switch header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
		origin := header.Get("Origin")
		if origin == "" || SameHost(origin, header.Get("Host")) {
			return nil
		}
	}
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonUnauthenticated,
		"the session cookie is good for pages of this server only; use a bearer key")
}

// SameHost reports whether an origin is a page of the host.
func SameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && host != "" && strings.EqualFold(u.Host, host)
}
