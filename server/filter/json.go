package filter

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// readJSON decodes the payload of an untyped event. A number that is written as an integer and fits into 64 bits is an int;
// other numbers are doubles. The depth was limited at publish.
func readJSON(text []byte) (any, error) {
	value, err := jsonValue(jsontext.NewDecoder(bytes.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("the data is not a JSON object: %w", err)
	}
	return value, nil
}

func jsonValue(from *jsontext.Decoder) (any, error) {
	token, err := from.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return jsonObject(from)
	case '[':
		return jsonArray(from)
	case '"':
		return token.String(), nil
	case '0':
		return jsonNumber(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil
	}
}

func jsonObject(from *jsontext.Decoder) (any, error) {
	object := map[string]any{}
	for from.PeekKind() != '}' {
		name, err := from.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if object[key], err = jsonValue(from); err != nil {
			return nil, err
		}
	}
	_, err := from.ReadToken()
	return object, err
}

func jsonArray(from *jsontext.Decoder) (any, error) {
	list := []any{}
	for from.PeekKind() != ']' {
		value, err := jsonValue(from)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := from.ReadToken()
	return list, err
}

func jsonNumber(text string) any {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole
	}
	double, _ := strconv.ParseFloat(text, 64) // a number beyond the range is an infinity
	return double
}
