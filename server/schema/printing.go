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
	return strings.TrimRight(keepNegativeZeros(text), "\n") + "\n", nil
}

// keepNegativeZeros writes -0, which a compiler reads as a whole number without a sign, as -0.0. The printer writes it for
// floating-point values only.
func keepNegativeZeros(text string) string {
	var kept strings.Builder
	from := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'':
			i = afterString(text, i)
		case '/':
			i = afterComment(text, i)
		case '-':
			if strings.HasPrefix(text[i:], "-0") && !strings.ContainsAny(text[i+2:min(i+3, len(text))], ".0123456789exX") {
				kept.WriteString(text[from:i] + "-0.0")
				from = i + 2
			}
		}
	}
	return kept.String() + text[from:]
}
