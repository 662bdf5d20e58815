package codec_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// keyed returns a version of a test message with keys at these paths.
func keyed(t *testing.T, orderingKey, subject string) *schema.Type {
	t.Helper()
	registry := schema.NewRegistry()
	registry.Load([]schema.Stored{{
		ID: 1, Type: "kinds", Version: 1, Message: "test.v1.Kinds", Files: schematest.ReadFile(t, kindsFile), Latest: true,
		OrderingKey: orderingKey, Subject: subject,
	}}, 1)
	return registry.Snapshot().Type("kinds")
}

func TestKeysAreReadFromThePayload(t *testing.T) {
	t.Parallel()
	const payload = `{"text":"ü 1","big":"-9007199254740993","yes":true,"raw":"AAH/","amount":1.5,"colour":"COLOUR_RED",
		"child":{"text":"inner","colour":7,"child":{"bigCount":"18446744073709551615"}},"wrappedText":"w","count":4294967295,"signed":-3,"fixed":"-9","ratio":-0.5}`
	for path, want := range map[string]string{
		"":                      "",
		"text":                  "ü 1",
		"child.text":            "inner",
		"child.child.big_count": "18446744073709551615",
		"big":                   "-9007199254740993",
		"yes":                   "true",
		"raw":                   "AAH/",
		"amount":                "1.5",
		"colour":                "COLOUR_RED",
		"child.colour":          "7",
		"count":                 "4294967295",
		"signed":                "-3",
		"fixed":                 "-9",
		"ratio":                 "-0.5",
		"small":                 "0",
		"child.small":           "0",
		"maybe":                 "",
		"first_choice":          "",
		"wrapped_text.value":    "w",
		"wrapped_big.value":     "",
	} {
		kinds := keyed(t, path, "text")
		canonical, violations, err := kinds.EncodeJSON([]byte(payload))
		if err != nil || len(violations) > 0 {
			t.Fatal(violations, err)
		}
		key, subject, err := kinds.Keys(canonical)
		if err != nil || key != want || subject != "ü 1" || kinds.OrderingKey() != path || kinds.Subject() != "text" {
			t.Errorf("%q: %q and %q, %v; want %q", path, key, subject, err, want)
		}
	}
}

// A message field may be encoded as a group, and may come after fields with higher numbers.
func TestKeysInADelimitedMessage(t *testing.T) {
	t.Parallel()
	for _, one := range schematest.EventTypes(t, richFile) {
		if one.Type != "test.rich.Edition" {
			continue
		}
		one.OrderingKey, one.Subject = "delimited.must", "second.checked"
		kind, err := new(schema.Candidates).Type(one)
		if err != nil {
			t.Fatal(err)
		}
		canonical, violations, err := kind.EncodeJSON([]byte(
			`{"must":1,"checked":"no","delimited":{"must":2,"checked":"no"},"second":{"must":3,"checked":"yes"}}`))
		if err != nil || len(violations) > 0 {
			t.Fatal(violations, err)
		}
		key, subject, err := kind.Keys(canonical)
		if err != nil || key != "2" || subject != "yes" {
			t.Errorf("%q and %q, %v", key, subject, err)
		}
		if _, _, err := kind.Keys(canonical[:len(canonical)-1]); err == nil {
			t.Error("half a message has a subject")
		}
		return
	}
	t.Fatal("the type is not there")
}

func TestKeysThatAreNotThere(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"none", "child", "children", "children.text", "text.text"} {
		if key, _, err := keyed(t, path, "").Keys(nil); err == nil {
			t.Errorf("%q: %q, %v", path, key, err)
		}
	}
}
