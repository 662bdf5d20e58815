package filter

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// files are a file of a schema and all its imports. Names are resolved only in them, because a schema may have another
// version of a message that is linked into the server.
type files []protoreflect.FileDescriptor

func filesOf(root protoreflect.FileDescriptor) files {
	seen := map[string]bool{root.Path(): true}
	all := files{root}
	for i := 0; i < len(all); i++ {
		imports := all[i].Imports()
		for j := range imports.Len() {
			if imported := imports.Get(j).FileDescriptor; !seen[imported.Path()] {
				seen[imported.Path()] = true
				all = append(all, imported)
			}
		}
	}
	return all
}

// holdsAny reports whether a message, or one in it, has a field that may contain a message of any type. Such fields are
// decoded each time they are read.
func holdsAny(root protoreflect.MessageDescriptor) bool {
	seen := map[protoreflect.FullName]bool{root.FullName(): true}
	for queue := []protoreflect.MessageDescriptor{root}; len(queue) > 0; queue = queue[1:] {
		if queue[0].FullName() == "google.protobuf.Any" {
			return true
		}
		for i := range queue[0].Fields().Len() {
			held := queue[0].Fields().Get(i).Message()
			if held != nil && !seen[held.FullName()] {
				seen[held.FullName()] = true
				queue = append(queue, held)
			}
		}
	}
	return false
}

// scope is a file or a message, in which messages and enums are declared.
type scope interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
}

// message returns a message by its full name; nil if there is none.
func (f files) message(name string) protoreflect.MessageDescriptor {
	for _, file := range f {
		if found, ok := within(file, name).(protoreflect.MessageDescriptor); ok {
			return found
		}
	}
	return nil
}

// enumValue returns the number of an enum's value, named "shop.v1.Tier.TIER_PLUS".
func (f files) enumValue(name string) (protoreflect.EnumNumber, bool) {
	cut := strings.LastIndexByte(name, '.')
	if cut < 0 {
		return 0, false
	}
	enumName, value := name[:cut], protoreflect.Name(name[cut+1:])
	for _, file := range f {
		parent, enum := scope(file), enumName
		if cut := strings.LastIndexByte(enumName, '.'); cut >= 0 {
			enum = enumName[cut+1:]
			parent = within(file, enumName[:cut])
		}
		if parent == nil {
			continue
		}
		if found := parent.Enums().ByName(protoreflect.Name(enum)); found != nil {
			if v := found.Values().ByName(value); v != nil {
				return v.Number(), true
			}
		}
	}
	return 0, false
}

// within resolves a full name in a file: to the file itself for the name of its package, or to a message in it.
func within(file protoreflect.FileDescriptor, name string) scope {
	rest, ok := strings.CutPrefix("."+name, strings.TrimSuffix("."+string(file.Package()), "."))
	if !ok || rest != "" && rest[0] != '.' {
		return nil
	}
	at := scope(file)
	for _, segment := range strings.Split(rest, ".")[1:] {
		next := at.Messages().ByName(protoreflect.Name(segment))
		if next == nil {
			return nil
		}
		at = next
	}
	return at
}

// fieldOf returns a field by its own name or its JSON name.
func fieldOf(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if message == nil {
		return nil
	}
	if field := message.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return message.Fields().ByJSONName(name)
}
