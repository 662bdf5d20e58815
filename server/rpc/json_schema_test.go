package rpc_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, route)))
	w.registered(register(parcel(parcelID, grams, route)))
	reader, _ := w.key("reader", "", publish)
	get := func(path, key string, header ...string) answer { return w.do(http.MethodGet, path, key, "", header...) }

	for path, grams := range map[string]bool{"/v1/schemas/mail.v1.ParcelSent/1.json": false, "/v1/schemas/mail.v1.ParcelSent/2.json": true} {
		got := get(path, reader)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/schema+json" || !json.Valid([]byte(got.body)) ||
			strings.Contains(got.body, `"grams"`) != grams || !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v %s", path, got.status, got.header, got.body)
		}
	}
	id := w.publish(parcelType, `{"parcelId":"p"}`).GetId()
	event := w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"id":"`+id+`"}`).body
	if got := get(between(event, `"dataSchema":"`, `"`), adminKey); got.status != http.StatusOK {
		t.Errorf("what an event names: %d %s", got.status, got.body)
	}
	session := w.post("/postrider.v1.SessionService/CreateSession", "", `{"key":"`+reader+`"}`)
	cookie, _, _ := strings.Cut(session.header.Get("Set-Cookie"), ";")
	if got := get("/v1/schemas/mail.v1.ParcelSent/1.json", "", "Cookie", cookie); got.status != http.StatusOK {
		t.Errorf("with a session: %d %s", got.status, got.body)
	}
	for _, refused := range []struct {
		path, key string
		header    []string
		status    int
	}{
		{"/v1/schemas/mail.v1.ParcelSent/1.json", "", nil, http.StatusUnauthorized},
		{"/v1/schemas/mail.v1.ParcelSent/1.json", "prk_nobody", nil, http.StatusUnauthorized},
		{"/v1/schemas/mail.v1.ParcelSent/1.json", "", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"/v1/schemas/mail.v1.ParcelSent/3.json", reader, nil, http.StatusNotFound},
		{"/v1/schemas/mail.v1.ParcelSent/0.json", reader, nil, http.StatusNotFound},
		{"/v1/schemas/mail.v1.ParcelSent/x", reader, nil, http.StatusNotFound},
		{"/v1/schemas/none/1.json", reader, nil, http.StatusNotFound},
	} {
		got := get(refused.path, refused.key, refused.header...)
		if got.status != refused.status || got.error(t).Code == "" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s %v, want %d", refused.path, got.status, got.body, got.header, refused.status)
		}
	}
}
