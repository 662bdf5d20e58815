package wire

import (
	"strings"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// plainlyValid reports whether a publish request certainly satisfies every rule of the contract. The general check costs as
// much as decoding the request, and nearly all requests are plain. All others, including all invalid ones, get the general
// check.
func plainlyValid(message proto.Message) bool {
	switch request := message.(type) {
	case *postriderv1.PublishRequest:
		return request.Event != nil && request.Tenant == "" && plainEvent(request.Event)
	case *postriderv1.PublishStreamRequest:
		return request.Event != nil && request.Tenant == "" && plainEvent(request.Event)
	case *postriderv1.PublishBatchRequest:
		if request.Tenant != "" || len(request.Events) == 0 || len(request.Events) > gateway.MaxBatch {
			return false
		}
		for _, event := range request.Events {
			if !plainEvent(event) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// plainEvent counts bytes where the contract counts characters, of which there are no more.
func plainEvent(event *postriderv1.Event) bool {
	return gateway.ValidType(event.GetType()) &&
		(event.GetId() == "" || gateway.ValidEventID(event.GetId())) &&
		len(event.GetSource()) <= gateway.MaxSourceLength && plainReference(event.GetSource()) &&
		len(event.GetSubject()) <= gateway.MaxSubjectLength && strings.IndexByte(event.GetSubject(), 0) < 0 &&
		event.GetCursor() == "" && event.GetTenant() == "" && event.GetDataSchema() == "" && len(event.GetViolations()) == 0
}

// plainReference reports whether text is a URI reference that consists only of path segments of common characters.
func plainReference(text string) bool {
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' {
			continue
		}
		if c != '/' || i > 0 && text[i-1] == '/' {
			return false
		}
	}
	return true
}
