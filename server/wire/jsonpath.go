package wire

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// requestField is the field name of the whole request in errors.
const requestField = "request"

// checkSyntax returns an error if a text is not JSON.
func checkSyntax(data []byte) *gateway.Error {
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.ReadValue(); err != nil {
		return codec.SyntaxError(requestField, data, err)
	}
	if _, err := decoder.ReadToken(); err != io.EOF {
		return trailing(data, decoder.InputOffset())
	}
	return nil
}

func trailing(data []byte, offset int64) *gateway.Error {
	return malformed("has something after the JSON object, " + codec.PlaceOf(data, offset))
}

// lineOffset returns the offset of a line and column as protojson counts them: from 1, columns in runes.
func lineOffset(data []byte, line, column int) int64 {
	offset := 0
	for range line - 1 {
		offset += bytes.IndexByte(data[offset:], '\n') + 1
	}
	for range column - 1 {
		_, size := utf8.DecodeRune(data[offset:])
		offset += size
	}
	return int64(offset)
}

// pathAt returns the path of the member or element at an offset, empty for the top level.
func pathAt(data []byte, offset int64) string {
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	for decoder.InputOffset() <= offset {
		if _, err := decoder.ReadToken(); err != nil {
			return ""
		}
	}
	return codec.PointerPath("", decoder.StackPointer())
}
