package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Encoded is an encoded SubscribeResponse without the names of filters. These differ from reader to reader, while the rest is
// encoded once for all. The codecs accept it like any message.
type Encoded struct {
	Message []byte
	Filters []string
}

// filtersField is the number of SubscribeResponse.filters.
const filtersField = protowire.Number(6)

func (e *Encoded) appendProto(dst []byte) []byte {
	dst = append(dst, e.Message...)
	for _, name := range e.Filters {
		dst = protowire.AppendString(protowire.AppendTag(dst, filtersField, protowire.BytesType), name)
	}
	return dst
}

func (e *Encoded) appendJSON(dst []byte) []byte {
	return InsertFilters(append(dst, e.Message...), e.Filters)
}

// EncodeProto encodes a message of a stream for Encoded.
func EncodeProto(message *postriderv1.SubscribeResponse) ([]byte, error) {
	return protoCodec{}.Marshal(message)
}

// EncodeJSON encodes a message of a stream for Encoded.
func EncodeJSON(message *postriderv1.SubscribeResponse) ([]byte, error) {
	return AppendJSON(nil, message)
}
