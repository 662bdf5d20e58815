package access

import (
	"net/http"
	"time"
)

// sessionCookie holds the session token of the web UI.
const sessionCookie = "postrider_session"

// SessionToken returns the token in the session cookie; empty for none.
func SessionToken(header http.Header) string {
	cookie, err := (&http.Request{Header: header}).Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// SessionCookie makes the cookie that carries a token until it expires; an empty token makes the browser forget it.
func SessionCookie(token string, expires time.Time, secure bool) *http.Cookie {
	cookie := &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", Expires: expires,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
	if token == "" {
		cookie.Expires, cookie.MaxAge = time.Time{}, -1
	}
	return cookie
}
