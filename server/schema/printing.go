package schema

import (
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Sources prints the files of an encoded FileDescriptorSet as .proto text, comments included, imports first. Files that
// every schema shares are left out.
func Sources(descriptorSet []byte) ([]Source, error) {
	whole, err := readClosure(descriptorSet)
	if err != nil {
		return nil, err
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
