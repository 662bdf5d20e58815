// Package schematest makes schemas, types and payloads for tests, among them random messages (generator.go) and random pairs of
// versions (pair.go).
package schematest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Generator makes random messages with every kind of field, and with the values that are easily lost. The same seed makes
// the same messages.
type Generator struct {
	random     *rand.Rand
	files      *protoregistry.Files
	types      *dynamicpb.Types
	extensions map[protoreflect.FullName][]protoreflect.FieldDescriptor
}

// New returns a generator of messages of these files, which must include testdata/rich.
func New(files *protoregistry.Files, seed uint64) *Generator {
	g := &Generator{
		random: rand.New(rand.NewPCG(seed, 0)), files: files, types: dynamicpb.NewTypes(files),
		extensions: make(map[protoreflect.FullName][]protoreflect.FieldDescriptor),
	}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		g.gather(file.Extensions())
		for i := range file.Messages().Len() {
			g.gather(file.Messages().Get(i).Extensions())
		}
		return true
	})
	for _, found := range g.extensions {
		slices.SortFunc(found, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number() - b.Number()) })
	}
	return g
}

func (g *Generator) gather(extensions protoreflect.ExtensionDescriptors) {
	for i := range extensions.Len() {
		// Use the type that decoding finds, because the runtime takes two types for different fields.
		kind, err := g.types.FindExtensionByName(extensions.Get(i).FullName())
		if err != nil {
			panic(err)
		}
		name := extensions.Get(i).ContainingMessage().FullName()
		g.extensions[name] = append(g.extensions[name], kind.TypeDescriptor())
	}
}

// Message returns a random message that has a JSON form.
func (g *Generator) Message(descriptor protoreflect.MessageDescriptor) *dynamicpb.Message {
	return g.message(descriptor, 0)
}

// deepest is the depth at which a message that requires itself ends. It lacks a required field then.
const deepest = 20

// message returns a random message. The deeper it is nested, the fewer fields are set.
func (g *Generator) message(descriptor protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(descriptor)
	if g.wellKnown(m, depth) {
		return m
	}
	share := min(1, 6/float64(descriptor.Fields().Len()*(depth+1)))
	if depth == 0 {
		share = 0.1 + g.random.Float64()/3
	}
	for i := range descriptor.Fields().Len() {
		fd := descriptor.Fields().Get(i)
		if fd.Cardinality() == protoreflect.Required && depth < deepest || depth < 5 && g.random.Float64() < share {
			g.fill(m, fd, depth)
		}
	}
	for _, fd := range g.extensions[descriptor.FullName()] {
		if depth < 5 && g.random.Float64() < share {
			g.fill(m, fd, depth)
		}
	}
	return m
}

func (g *Generator) fill(m *dynamicpb.Message, fd protoreflect.FieldDescriptor, depth int) {
	switch {
	case fd.IsMap():
		for range g.random.IntN(4) {
			key := g.scalar(fd.MapKey()).MapKey()
			m.Mutable(fd).Map().Set(key, g.value(fd.MapValue(), depth))
		}
	case fd.IsList():
		for range g.random.IntN(4) {
			m.Mutable(fd).List().Append(g.value(fd, depth))
		}
	default:
		m.Set(fd, g.value(fd, depth))
	}
}

func (g *Generator) value(fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	if fd.Message() != nil {
		return protoreflect.ValueOfMessage(g.message(fd.Message(), depth+1))
	}
	return g.scalar(fd)
}

func pick[T any](g *Generator, from ...T) T { return from[g.random.IntN(len(from))] }

func (g *Generator) scalar(fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(g.random.IntN(2) == 0)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(pick(g, 0, 1, -1, math.MaxInt32, math.MinInt32, int32(g.random.Uint32())))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(pick(g, 0, -1, math.MaxInt64, math.MinInt64, 1<<53+1, int64(g.random.Uint64())))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(pick(g, 0, 1, math.MaxUint32, g.random.Uint32()))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(pick(g, 0, math.MaxUint64, 1<<63, 1<<53+1, g.random.Uint64()))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(g.float32())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(g.float64())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(g.text())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(g.bytes())
	default:
		return protoreflect.ValueOfEnum(g.enum(fd.Enum()))
	}
}

func (g *Generator) float32() float32 {
	return pick(g, 0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
		math.MaxFloat32, math.SmallestNonzeroFloat32, 16777216, 0.1, 1e10, quiet32(math.Float32frombits(g.random.Uint32())))
}

// quiet32 replaces a NaN with a payload, which JSON cannot represent, with the usual one.
func quiet32(f float32) float32 {
	if f != f {
		return float32(math.NaN())
	}
	return f
}

func (g *Generator) float64() float64 {
	random := math.Float64frombits(g.random.Uint64())
	if math.IsNaN(random) {
		random = math.NaN()
	}
	return pick(g, 0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64,
		math.SmallestNonzeroFloat64, 1<<53, 1<<63, 0.1, 1e21, 1e23, 5e-310, random, g.random.Float64()*1e6)
}

func (g *Generator) text() string {
	return pick(g, "", "text", "\x00\x01\x1f\x7f", "\"\\/\b\f\n\r\t", "é漢😀", "<&>\u2028\u2029", "\ufffd\ufeff", "@type", "[x.y]",
		strings.Repeat("long ", g.random.IntN(200)))
}

func (g *Generator) bytes() []byte {
	raw := make([]byte, g.random.IntN(9))
	for i := range raw {
		raw[i] = byte(g.random.Uint32())
	}
	return raw
}

func (g *Generator) enum(enum protoreflect.EnumDescriptor) protoreflect.EnumNumber {
	defined := enum.Values().Get(g.random.IntN(enum.Values().Len())).Number()
	if enum.IsClosed() || enum.FullName() == "google.protobuf.NullValue" {
		return defined
	}
	return pick(g, defined, defined, 77, -77, math.MaxInt32, math.MinInt32)
}

// wellKnown fills a message whose fields must obey rules of their own.
func (g *Generator) wellKnown(m *dynamicpb.Message, depth int) bool {
	fields := m.Descriptor().Fields()
	set := func(number protoreflect.FieldNumber, value any) {
		m.Set(fields.ByNumber(number), protoreflect.ValueOf(value))
	}
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		set(1, pick(g, 0, -1, -62135596800, 253402300799, g.random.Int64N(4e9)))
		set(2, g.nanos())
	case "google.protobuf.Duration":
		seconds, nanos := pick(g, 0, 315576000000, g.random.Int64N(1e6)), g.nanos()
		if seconds == 315576000000 {
			nanos = 0
		}
		if g.random.IntN(2) == 0 {
			seconds, nanos = -seconds, -nanos
		}
		set(1, seconds)
		set(2, nanos)
	case "google.protobuf.FieldMask":
		for _, path := range []string{"a", "b_c.d", "long_name_here.x1"}[:g.random.IntN(4)] {
			m.Mutable(fields.ByNumber(1)).List().Append(protoreflect.ValueOfString(path))
		}
	case "google.protobuf.Value":
		g.jsonValue(m, depth)
	case "google.protobuf.Any":
		g.any(m, depth)
	default:
		return false
	}
	return true
}

func (g *Generator) nanos() int32 {
	return pick(g, 0, 500_000_000, 1, 999_999_999, 120_000, g.random.Int32N(1e9))
}

// jsonValue fills a google.protobuf.Value. It always has exactly one kind, and its number is finite.
func (g *Generator) jsonValue(m *dynamicpb.Message, depth int) {
	number := protoreflect.FieldNumber(1 + g.random.IntN(6))
	if depth > 6 && number > 4 {
		number = 1
	}
	fd := m.Descriptor().Fields().ByNumber(number)
	value := g.value(fd, depth)
	for number == 2 && (math.IsNaN(value.Float()) || math.IsInf(value.Float(), 0)) {
		value = g.value(fd, depth)
	}
	m.Set(fd, value)
}

// packable are the messages that an Any may hold.
var packable = []protoreflect.FullName{
	"test.rich.Proto3", "test.rich.Proto2", "test.rich.Edition", "test.rich.Scope", "google.protobuf.Timestamp",
	"google.protobuf.Duration", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.Empty",
	"google.protobuf.Int64Value", "google.protobuf.Any", "google.protobuf.FieldMask", "google.protobuf.BytesValue",
}

func (g *Generator) any(m *dynamicpb.Message, depth int) {
	if depth > 4 || g.random.IntN(8) == 0 {
		return
	}
	kind, err := g.files.FindDescriptorByName(packable[g.random.IntN(len(packable))])
	if err != nil {
		return // a schema without this well-known type
	}
	inner := g.message(kind.(protoreflect.MessageDescriptor), depth+1)
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(inner)
	if err != nil {
		panic(err)
	}
	prefix := pick(g, "type.googleapis.com/", "example.com/a/b/", "/")
	fields := m.Descriptor().Fields()
	m.Set(fields.ByNumber(1), protoreflect.ValueOfString(prefix+string(kind.FullName())))
	m.Set(fields.ByNumber(2), protoreflect.ValueOfBytes(content))
}
