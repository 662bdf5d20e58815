package schematest

import (
	"fmt"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// PairType is the message of both versions of a Pair.
const PairType = "pair.v1.M"

// Pair returns two random versions of a schema whose type is PairType. The later one is the earlier one with some changes,
// of any kind that a descriptor can have. Not every pair compiles. The same seed returns the same pair.
func Pair(seed uint64) (before, after *descriptorpb.FileDescriptorSet) {
	d := &draft{random: rand.New(rand.NewPCG(seed, 1))}
	before = d.set()
	after = proto.CloneOf(before)
	for range 1 + d.random.IntN(4) {
		d.change(after)
	}
	return before, after
}

// draft makes random descriptors.
type draft struct {
	random *rand.Rand
	// edition is the edition of the current file.
	edition edition
	// names counts the names that were used.
	names int
}

// edition is a syntax of .proto files.
type edition int

const (
	proto2 edition = iota
	proto3
	edition2023
)

func one[T any](d *draft, from ...T) T { return from[d.random.IntN(len(from))] }

func (d *draft) chance(share float64) bool { return d.random.Float64() < share }

func (d *draft) name(prefix string) *string {
	d.names++
	return proto.String(fmt.Sprintf("%s%d", prefix, d.names))
}

// set returns two files: the file of the type, and one that it may import.
func (d *draft) set() *descriptorpb.FileDescriptorSet {
	options := optionsFile()
	other := d.file("pair/other.proto", "pair.other", options.GetName())
	file := d.file("pair/m.proto", "pair.v1", other.GetName(), options.GetName())
	return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{options, other, file}}
}

func (d *draft) file(path, pkg string, imports ...string) *descriptorpb.FileDescriptorProto {
	file := &descriptorpb.FileDescriptorProto{Name: &path, Package: &pkg, Dependency: append([]string{
		"buf/validate/validate.proto", "google/protobuf/any.proto", "google/protobuf/struct.proto",
		"google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto",
	}, imports...)}
	d.write(file, one(d, proto2, proto3, edition2023))
	for _, name := range []string{"M", "N", "O"} {
		message := &descriptorpb.DescriptorProto{Name: &name}
		file.MessageType = append(file.MessageType, message)
		if d.edition != proto3 && d.chance(0.5) {
			message.ExtensionRange = []*descriptorpb.DescriptorProto_ExtensionRange{{Start: proto.Int32(500), End: proto.Int32(600)}}
		}
	}
	for _, name := range []string{"E", "F"} {
		file.EnumType = append(file.EnumType, d.enum(name))
	}
	for _, message := range file.GetMessageType() {
		for range d.random.IntN(6) {
			d.addField(file, message)
		}
	}
	d.addExtensions(file)
	return file
}

// write sets the syntax of a file.
func (d *draft) write(file *descriptorpb.FileDescriptorProto, in edition) {
	d.edition = in
	switch file.Syntax, file.Edition = nil, nil; in {
	case proto3:
		file.Syntax = proto.String("proto3")
	case edition2023:
		file.Syntax, file.Edition = proto.String("editions"), descriptorpb.Edition_EDITION_2023.Enum()
	}
}

// editionOf returns the edition of a file.
func editionOf(file *descriptorpb.FileDescriptorProto) edition {
	switch file.GetSyntax() {
	case "proto3":
		return proto3
	case "editions":
		return edition2023
	default:
		return proto2
	}
}

func (d *draft) enum(name string) *descriptorpb.EnumDescriptorProto {
	enum := &descriptorpb.EnumDescriptorProto{Name: &name}
	for i := range 1 + d.random.IntN(3) {
		enum.Value = append(enum.Value, &descriptorpb.EnumValueDescriptorProto{
			Name: proto.String(fmt.Sprintf("%s_%d", name, i)), Number: proto.Int32(int32(i)),
		})
	}
	return enum
}

// addExtensions adds extensions of the file's messages.
func (d *draft) addExtensions(file *descriptorpb.FileDescriptorProto) {
	for _, message := range file.GetMessageType() {
		if len(message.GetExtensionRange()) == 0 || d.chance(0.3) {
			continue
		}
		field := d.field(file)
		field.Name, field.Number = d.name("x"), proto.Int32(int32(500+d.random.IntN(99)))
		field.Extendee = proto.String("." + file.GetPackage() + "." + message.GetName())
		field.JsonName = nil
		withoutFeatures(field)
		if field.GetLabel() == *required {
			field.Label = optional
		}
		file.Extension = append(file.Extension, field)
	}
}
