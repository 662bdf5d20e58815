package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const sessionPath = "/postrider.v1.SessionService/"

func (w *world) signIn(key string, header ...string) *http.Cookie {
	w.t.Helper()
	got := w.do(http.MethodPost, sessionPath+"CreateSession", "", `{"key":"`+key+`"}`, header...)
	if got.status != http.StatusOK {
		w.t.Fatalf("sign in: %d %s", got.status, got.body)
	}
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) != 1 {
		w.t.Fatalf("%d cookies", len(cookies))
	}
	return cookies[0]
}

func TestSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.signIn(adminKey)
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || cookie.Path != "/" {
		t.Errorf("cookie %+v", cookie)
	}
	if strings.Contains(cookie.Value, adminKey) {
		t.Error("the cookie holds the key")
	}
	if secure := w.signIn(adminKey, "X-Forwarded-Proto", "https"); !secure.Secure {
		t.Error("behind https the cookie is not Secure")
	}
	own := []string{"Cookie", cookie.String(), "Sec-Fetch-Site", "same-origin"}
	who := w.do(http.MethodPost, sessionPath+"GetSession", "", "{}", own...)
	if who.status != http.StatusOK || !strings.Contains(who.body, `"keyName":"admin"`) || !strings.Contains(who.body, "expireTime") {
		t.Errorf("GetSession answers %d %s", who.status, who.body)
	}
	if got := w.do(http.MethodPost, listPath, "", "{}", own...); got.status != http.StatusOK {
		t.Errorf("the session cannot list events: %d %s", got.status, got.body)
	}
	gone := w.do(http.MethodPost, sessionPath+"DeleteSession", "", "{}", own...)
	if gone.status != http.StatusOK || !strings.Contains(gone.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("DeleteSession answers %d %v", gone.status, gone.header)
	}
}

func TestASessionIsForPagesOfThisServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.signIn(adminKey).String()
	for _, tt := range []struct {
		name   string
		header []string
		status int
	}{
		{"no browser", nil, http.StatusOK},
		{"own page", []string{"Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{"own page of an old browser", []string{"Origin", w.url}, http.StatusOK},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"a site next door", []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		{"another site in an old browser", []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"a page without an origin", []string{"Origin", "null"}, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.do(http.MethodPost, publishPath, "", event(`{}`), append(tt.header, "Cookie", cookie)...)
			if got.status != tt.status {
				t.Errorf("answers %d %s, want %d", got.status, got.body, tt.status)
			}
		})
	}
	if got := w.do(http.MethodPost, publishPath, adminKey, event(`{}`), "Sec-Fetch-Site", "cross-site"); got.status != http.StatusOK {
		t.Errorf("a bearer key is refused from elsewhere: %d", got.status)
	}
}

func TestASessionEndsWithItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, id := w.key("ui", "", consume)
	cookie := w.signIn(key).String()
	if got := w.do(http.MethodPost, listPath, "", "{}", "Cookie", cookie); got.status != http.StatusOK {
		t.Fatalf("before: %d %s", got.status, got.body)
	}
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	if got := w.do(http.MethodPost, listPath, "", "{}", "Cookie", cookie).error(t); got.Code != "unauthenticated" {
		t.Errorf("after: %s", got.Code)
	}
	if got := w.post(listPath, key, "{}").error(t); got.Code != "unauthenticated" || !strings.Contains(got.Message, "revoked") {
		t.Errorf("the key itself: %s %s", got.Code, got.Message)
	}
}

func TestWrongKeysAndCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, header := range map[string][]string{
		"made-up cookie":   {"Cookie", "postrider_session=AAAA"},
		"basic auth":       {"Authorization", "Basic YTpi"},
		"bearer and blank": {"Authorization", "Bearer "},
	} {
		if got := w.do(http.MethodPost, listPath, "", "{}", header...).error(t); got.Code != "unauthenticated" {
			t.Errorf("%s: %s", name, got.Code)
		}
	}
	if got := w.post(sessionPath+"CreateSession", "", `{"key":"prk_wrong"}`).error(t); got.Code != "unauthenticated" {
		t.Errorf("sign in with a wrong key: %s", got.Code)
	}
	if strings.Contains(w.logs.String(), "prk_wrong") || strings.Contains(w.logs.String(), adminKey) {
		t.Error("a key is in the log")
	}
}
