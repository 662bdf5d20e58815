package codec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

func TestCanonicalText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                                `{}`,
		" {\n}\t":                           `{}`,
		`{"b":1,"a":[ 1 , 2 ],"c":null}`:    `{"a":[1,2],"b":1,"c":null}`,
		`{"b":{"d":true,"c":false},"a":{}}`: `{"a":{},"b":{"c":false,"d":true}}`,
		`{"n":1.10,"m":1E+2,"k":9007199254740993}`:         `{"k":9007199254740993,"m":1E+2,"n":1.10}`,
		`{"\u0061":"\u00e9\/\u0001\ud83d\ude00","aa":"é"}`: `{"a":"é/\u0001😀","aa":"é"}`,
		`{"a b":1,"a":2,"ab":[]}`:                          `{"a b":1,"a":2,"ab":[]}`,
	} {
		got, err := codec.AppendCanonical([]byte("x"), []byte(text))
		if err != nil || string(got) != "x"+want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

func TestPayloadsThatAreNotObjects(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text, field string
		reason      gateway.Reason
	}{
		"empty":         {``, "event.data", gateway.ReasonMalformedRequest},
		"array":         {`[]`, "event.data", gateway.ReasonInvalidField},
		"null":          {`null`, "event.data", gateway.ReasonInvalidField},
		"cut off":       {`{"a":`, "event.data", gateway.ReasonMalformedRequest},
		"broken":        {`{"a":{"b":tru}}`, "event.data.a.b", gateway.ReasonMalformedRequest},
		"behind":        {`{} 1`, "event.data", gateway.ReasonMalformedRequest},
		"twice":         {`{"a":{"b":1,"\u0062":2}}`, "event.data.a.b", gateway.ReasonMalformedRequest},
		"invalid UTF-8": {"{\"a\":[1,\"\xff\"]}", "event.data.a[1]", gateway.ReasonMalformedRequest},
		"surrogate":     {`{"a":"\ud800"}`, "event.data.a", gateway.ReasonMalformedRequest},
		"deep": {
			strings.Repeat(`{"a":`, 101) + `1` + strings.Repeat(`}`, 101),
			"event.data" + strings.Repeat(".a", 100), gateway.ReasonInvalidField,
		},
	} {
		_, err := codec.AppendCanonical(nil, []byte(test.text))
		var fault *gateway.Error
		if !errors.As(err, &fault) || fault.Reason != test.reason || fault.Fields[0].Field != test.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	fits := strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100)
	if _, err := codec.AppendCanonical(nil, []byte(fits)); err != nil {
		t.Errorf("%d deep: %v", gateway.MaxDataDepth, err)
	}
}
