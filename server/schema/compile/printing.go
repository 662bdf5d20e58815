package compile

import (
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Sources prints the files of an encoded FileDescriptorSet as .proto text, with comments, imports first. It leaves out files
// that all schemas share.
func Sources(descriptorSet []byte) ([]Source, error) {
	whole, err := readClosure(descriptorSet)
	if err != nil {
		return nil, err
	}
	files, err := link(&whole.all)
	if err != nil {
		return nil, invalid("descriptor_set: %s", TrimProto(err.Error()))
	}
	var sources []Source
	for _, one := range whole.all.GetFile() {
		if IsShared(one.GetName()) {
			continue
		}
		file, err := files.FindFileByPath(one.GetName())
		if err != nil {
			return nil, err
		}
		text, err := Print(file)
		if err != nil {
			return nil, err
		}
		sources = append(sources, Source{Path: one.GetName(), Content: text})
	}
	return sources, nil
}

// Print prints a declaration, or a whole file, as .proto text.
func Print(d protoreflect.Descriptor) (text string, err error) {
	printer := protoprint.Printer{Indent: "  ", ForceFullyQualifiedNames: isShadowing(d.ParentFile())}
	text, err = printer.PrintProtoToString(d)
	if err != nil {
		return "", fmt.Errorf("print %s: %w", d.FullName(), err)
	}
	return strings.TrimRight(keepNegativeZeros(text), "\n") + "\n", nil
}

// isShadowing reports whether a name in a file hides an outer name, which the printer may shorten to the same text.
func isShadowing(file protoreflect.FileDescriptor) bool {
	inner := make(map[protoreflect.Name]bool)
	for _, part := range strings.Split(string(file.Package()), ".")[1:] {
		inner[protoreflect.Name(part)] = true
	}
	addNested(inner, file.Messages(), false)
	outer := make(map[protoreflect.Name]bool)
	addOuter(outer, file, file.Package(), make(map[string]bool))
	for name := range inner {
		if outer[name] {
			return true
		}
	}
	return false
}

// addNested collects the names of messages and enums that are nested in messages.
func addNested(names map[protoreflect.Name]bool, messages protoreflect.MessageDescriptors, nested bool) {
	for i := range messages.Len() {
		one := messages.Get(i)
		if nested {
			names[one.Name()] = true
		}
		for j := range one.Enums().Len() {
			names[one.Enums().Get(j).Name()] = true
		}
		addNested(names, one.Messages(), true)
	}
}

// addOuter collects the first parts of outer names: the declarations of a package, and the packages of imports.
func addOuter(names map[protoreflect.Name]bool, file protoreflect.FileDescriptor, pkg protoreflect.FullName, seen map[string]bool) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	first, _, _ := strings.Cut(string(file.Package()), ".")
	names[protoreflect.Name(first)] = true
	if file.Package() == pkg {
		for i := range file.Messages().Len() {
			names[file.Messages().Get(i).Name()] = true
		}
		for i := range file.Enums().Len() {
			names[file.Enums().Get(i).Name()] = true
		}
	}
	for i := range file.Imports().Len() {
		addOuter(names, file.Imports().Get(i).FileDescriptor, pkg, seen)
	}
}

// keepNegativeZeros writes -0 as -0.0, because a compiler reads -0 as an integer, which has no sign. The printer writes -0
// only for floating-point values.
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
