package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	defaultPageSize  = 50
	maxPageSize      = 1000
	pageTokenVersion = 1
	// bindingBytes of a hash bind a token to its request. This prevents mistakes, not forgery: a forged token returns nothing
	// that its request could not return anyway.
	bindingBytes = 8
)

// Place is the end of a page. Each list uses the fields of its order.
type Place struct {
	Position     gateway.Position
	Subscription gateway.SubscriptionID
	Run          gateway.Run
	ID           int64
	Name         string
}

// pageRequest is the common part of list requests.
type pageRequest interface {
	proto.Message
	GetPageToken() string
	GetPageSize() int32
}

// PageSize returns the page size of a list request.
func PageSize(request pageRequest) int {
	if request.GetPageSize() <= 0 {
		return defaultPageSize
	}
	return min(int(request.GetPageSize()), maxPageSize)
}

// NextPageToken returns the token of the page after a place. The token is bound to the kind of request, the name of the
// tenant and the filters of the request, so it cannot be used with another list.
func NextPageToken(request pageRequest, tenant string, place Place) string {
	token := append([]byte{pageTokenVersion}, binding(request, tenant)...)
	for _, n := range []int64{int64(place.Position), int64(place.Subscription), int64(place.Run), place.ID} {
		token = binary.AppendVarint(token, n)
	}
	token = append(token, place.Name...)
	return base64.RawURLEncoding.EncodeToString(token)
}

// PagePlace returns the place in a request's page token; ok is false on the first page. A token of another list is refused.
func PagePlace(request pageRequest, tenant string) (place Place, ok bool, err error) {
	if request.GetPageToken() == "" {
		return Place{}, false, nil
	}
	token, err := base64.RawURLEncoding.DecodeString(request.GetPageToken())
	head := 1 + bindingBytes
	if err != nil || len(token) < head || token[0] != pageTokenVersion ||
		string(token[1:head]) != string(binding(request, tenant)) {
		return Place{}, false, badPageToken()
	}
	place, ok = readPlace(token[head:])
	if !ok {
		return Place{}, false, badPageToken()
	}
	return place, true, nil
}

func badPageToken() error {
	err := gateway.FieldError("page_token", "does not belong to this list")
	err.Reason = gateway.ReasonInvalidPageToken
	return err
}

func readPlace(raw []byte) (Place, bool) {
	var numbers [4]int64
	for i := range numbers {
		n, size := binary.Varint(raw)
		if size <= 0 {
			return Place{}, false
		}
		numbers[i], raw = n, raw[size:]
	}
	// Anybody can create a token, and PostgreSQL fails on text that it could not store.
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return Place{}, false
	}
	return Place{
		Position: gateway.Position(numbers[0]), Subscription: gateway.SubscriptionID(numbers[1]),
		Run: gateway.Run(numbers[2]), ID: numbers[3], Name: string(raw),
	}, true
}

// unbound are the fields of a list request that do not change which list it is. The tenant is bound by its name.
var unbound = []protoreflect.Name{"page_token", "page_size", "tenant", "payload_format"}

func binding(request pageRequest, tenant string) []byte {
	bound := proto.Clone(request).ProtoReflect()
	for _, name := range unbound {
		if field := bound.Descriptor().Fields().ByName(name); field != nil {
			bound.Clear(field)
		}
	}
	hash := sha256.New()
	hash.Write([]byte(bound.Descriptor().FullName()))
	hash.Write([]byte{0})
	hash.Write([]byte(tenant))
	hash.Write([]byte{0})
	// A message that was unmarshalled can be marshalled.
	filter, _ := proto.MarshalOptions{Deterministic: true}.Marshal(bound.Interface())
	hash.Write(filter)
	return hash.Sum(nil)[:bindingBytes]
}
