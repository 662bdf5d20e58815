package compile

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Files holds compiled files and the types that they declare.
type Files struct {
	*protoregistry.Files
	// Types finds the types of the files and those that are linked into the server.
	Types Resolver
	// Payloads finds the types that a payload may name.
	Payloads PayloadTypes
	// Extensions holds the extensions that the files declare, by the extended message.
	Extensions map[protoreflect.FullName][]protoreflect.ExtensionType
	// Rules returns the validator of payloads. It is made on first use, because comparing and documenting versions does not
	// need it.
	Rules func() (RuleMeter, error)
}

// NewFiles compiles a set in which every file comes after its imports.
func NewFiles(set *descriptorpb.FileDescriptorSet) (*Files, error) {
	files, err := link(set)
	if err != nil {
		return nil, err
	}
	types, open := Resolver{dynamicpb.NewTypes(files)}, holdsOpen(set)
	return &Files{
		Files: files, Types: types, Payloads: PayloadTypes{types.own}, Extensions: extensionsOf(files),
		Rules: sync.OnceValues(func() (RuleMeter, error) { return newRuleMeter(types, open) }),
	}, nil
}

// holdsOpen reports whether messages of the files may have fields whose type stands for other types (see RuleMeter.open).
func holdsOpen(set *descriptorpb.FileDescriptorSet) bool {
	return slices.ContainsFunc(set.GetFile(), func(file *descriptorpb.FileDescriptorProto) bool {
		return slices.Contains(file.GetDependency(), "google/protobuf/any.proto") ||
			slices.Contains(file.GetDependency(), "google/protobuf/struct.proto")
	})
}

// link compiles a set in which every file comes after its imports. Shared files are always the server's own, even if the set
// has them. This spares the time and memory to compile them for every schema.
func link(set *descriptorpb.FileDescriptorSet) (*protoregistry.Files, error) {
	files := &protoregistry.Files{}
	for _, one := range set.GetFile() {
		if err := AddFile(files, one); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// AddFile compiles one file, after the shared files that it imports.
func AddFile(files *protoregistry.Files, one *descriptorpb.FileDescriptorProto) error {
	if shared := Shared(one.GetName()); shared != nil {
		return addShared(files, shared)
	}
	for _, imported := range one.GetDependency() {
		if shared := Shared(imported); shared != nil {
			if err := addShared(files, shared); err != nil {
				return err
			}
		}
	}
	made, err := protodesc.NewFile(one, files)
	if err != nil {
		return err
	}
	return files.RegisterFile(made)
}

// addShared adds a shared file and its imports, unless they are present.
func addShared(files *protoregistry.Files, shared protoreflect.FileDescriptor) error {
	if _, err := files.FindFileByPath(shared.Path()); err == nil {
		return nil
	}
	for i := range shared.Imports().Len() {
		if err := addShared(files, shared.Imports().Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	return files.RegisterFile(shared)
}

// extensionsOf collects the extensions of all files by the extended message.
func extensionsOf(files *protoregistry.Files) map[protoreflect.FullName][]protoreflect.ExtensionType {
	found := make(map[protoreflect.FullName][]protoreflect.ExtensionType)
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		addExtensions(found, file)
		return true
	})
	return found
}

func addExtensions(found map[protoreflect.FullName][]protoreflect.ExtensionType, within interface {
	Extensions() protoreflect.ExtensionDescriptors
	Messages() protoreflect.MessageDescriptors
},
) {
	for i := range within.Extensions().Len() {
		descriptor := within.Extensions().Get(i)
		extended := descriptor.ContainingMessage().FullName()
		found[extended] = append(found[extended], dynamicpb.NewExtensionType(descriptor))
	}
	for i := range within.Messages().Len() {
		addExtensions(found, within.Messages().Get(i))
	}
}

// Resolver finds the types of the compiled files and those that are linked into the server.
type Resolver struct{ own *dynamicpb.Types }

func (r Resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if found, err := r.own.FindMessageByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

func (r Resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if found, err := r.own.FindMessageByURL(url); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

func (r Resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if found, err := r.own.FindExtensionByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

func (r Resolver) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	if found, err := r.own.FindExtensionByNumber(message, number); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
}

// PayloadTypes finds the types that a payload may name: those of the compiled files and the well-known types. Other types
// that are linked into the server are not part of the schema.
type PayloadTypes struct{ *dynamicpb.Types }

func (p PayloadTypes) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if found, err := p.Types.FindMessageByName(name); err == nil || name.Parent() != "google.protobuf" {
		return found, err
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

func (p PayloadTypes) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return p.FindMessageByName(protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:]))
}
