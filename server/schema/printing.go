package schema

import (
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Sources prints the files of an encoded FileDescriptorSet as .proto text, comments included, imports first. Files that
// every schema shares are left out.
func Sources(descriptorSet []byte) ([]Source, error) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxSetDepth}).Unmarshal(descriptorSet, set); err != nil {
		return nil, invalid("descriptor_set: is not a FileDescriptorSet: %s", trimProto(err.Error()))
	}
	whole, err := newClosure(set)
	if err != nil {
		return nil, err
	}
	for _, file := range set.GetFile() {
		if err := whole.add(file.GetName(), 0); err != nil {
			return nil, err
		}
	}
	files, err := newFiles(&whole.all)
	if err != nil {
		return nil, invalid("descriptor_set: %s", trimProto(err.Error()))
	}
	var sources []Source
	for _, one := range whole.all.GetFile() {
		if isShared(one.GetName()) {
			continue
		}
		file, err := files.FindFileByPath(one.GetName())
		if err != nil {
			return nil, err
		}
		text, err := declarationText(file)
		if err != nil {
			return nil, err
		}
		sources = append(sources, Source{Path: one.GetName(), Content: text})
	}
	return sources, nil
}

// declarationText prints a declaration, or a whole file, as .proto has it.
func declarationText(d protoreflect.Descriptor) (text string, err error) {
	printer := protoprint.Printer{Indent: "  "}
	text, err = printer.PrintProtoToString(d)
	if err != nil {
		return "", fmt.Errorf("print %s: %w", d.FullName(), err)
	}
	return strings.TrimRight(text, "\n") + "\n", nil
}
