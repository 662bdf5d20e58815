package schematest

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// change makes one random change in a set.
func (d *draft) change(set *descriptorpb.FileDescriptorSet) {
	file := set.GetFile()[1+d.random.IntN(2)]
	d.edition = editionOf(file)
	message := file.GetMessageType()[d.random.IntN(len(file.GetMessageType()))]
	switch d.random.IntN(10) {
	case 0:
		d.addField(file, message)
	case 1:
		d.changeEnum(file.GetEnumType()[d.random.IntN(len(file.GetEnumType()))])
	case 2:
		d.write(file, one(d, proto2, proto3, edition2023))
	case 3:
		d.changeExtension(file)
	default:
		if len(message.GetField()) > 0 {
			d.changeField(file, message, d.random.IntN(len(message.GetField())))
		}
	}
}

func (d *draft) changeField(file *descriptorpb.FileDescriptorProto, message *descriptorpb.DescriptorProto, at int) {
	field := message.GetField()[at]
	switch d.random.IntN(9) {
	case 0:
		message.Field = slices.Delete(message.Field, at, at+1)
		if d.chance(0.5) {
			d.reserve(message, field)
		}
	case 1:
		field.Label = one(d, optional, repeated, repeated)
	case 2, 3:
		d.retype(file, field)
	case 4:
		field.Name = d.name("g")
	case 5:
		field.Number = d.freeNumber(message)
	case 6:
		d.addOption(field)
	case 7:
		if field.OneofIndex == nil {
			d.makeMap(file, message, field)
		}
	case 8:
		if field.OneofIndex != nil && !field.GetProto3Optional() {
			field.OneofIndex = nil
		} else {
			d.intoOneof(message, field)
		}
	}
}

func (d *draft) reserve(message *descriptorpb.DescriptorProto, field *fieldProto) {
	message.ReservedName = append(message.ReservedName, field.GetName())
	message.ReservedRange = append(message.ReservedRange, &descriptorpb.DescriptorProto_ReservedRange{
		Start: field.Number, End: proto.Int32(field.GetNumber() + 1),
	})
}

func (d *draft) changeEnum(enum *descriptorpb.EnumDescriptorProto) {
	last := enum.GetValue()[len(enum.GetValue())-1]
	switch d.random.IntN(5) {
	case 0:
		enum.Value = append(enum.Value, &descriptorpb.EnumValueDescriptorProto{
			Name: d.name("V"), Number: proto.Int32(last.GetNumber() + 1),
		})
	case 1:
		enum.Value = append(enum.Value, &descriptorpb.EnumValueDescriptorProto{Name: d.name("V"), Number: last.Number})
		enum.Options = &descriptorpb.EnumOptions{AllowAlias: proto.Bool(true)}
	case 2:
		last.Name = d.name("V")
	case 3:
		slices.Reverse(enum.Value)
	case 4:
		if d.edition == edition2023 {
			enum.Options = &descriptorpb.EnumOptions{
				Features: &descriptorpb.FeatureSet{EnumType: descriptorpb.FeatureSet_CLOSED.Enum()},
			}
		}
	}
}

func (d *draft) changeExtension(file *descriptorpb.FileDescriptorProto) {
	if len(file.GetExtension()) == 0 {
		d.addExtensions(file)
		return
	}
	extension := file.GetExtension()[0]
	if d.chance(0.3) {
		file.Extension = file.Extension[1:]
		return
	}
	d.retype(file, extension)
}
