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

// Files are compiled files and the types that they declare.
type Files struct {
	*protoregistry.Files
	// Types finds what the files declare and what is linked in.
	Types Resolver
	// Payloads finds the types that a payload may name.
	Payloads PayloadTypes
	// Extensions are the fields that the files add to a message.
	Extensions map[protoreflect.FullName][]protoreflect.ExtensionType
	// Rules returns the validator of payloads. It is made on first use: comparing and documenting versions needs none.
	Rules func() (RuleMeter, error)
}

// NewFiles compiles a set whose files come after what they import.
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

// holdsOpen reports whether the messages of some files may have fields of types that stand for others.
func holdsOpen(set *descriptorpb.FileDescriptorSet) bool {
	return slices.ContainsFunc(set.GetFile(), func(file *descriptorpb.FileDescriptorProto) bool {
		return slices.Contains(file.GetDependency(), "google/protobuf/any.proto") ||
			slices.Contains(file.GetDependency(), "google/protobuf/struct.proto")
	})
}

// link compiles a set whose files come after what they import. Shared files are the server's own, whether or not the
// set has them: that spares the time and the memory of compiling them for every schema.
func link(set *descriptorpb.FileDescriptorSet) (*protoregistry.Files, error) {
	files := &protoregistry.Files{}
	for _, one := range set.GetFile() {
		if err := AddFile(files, one); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// AddFile compiles one file, after the shared ones that it imports.
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

// addShared adds a shared file and what it imports, unless they are there.
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

// extensionsOf gathers the extensions of all files by the message that they add to.
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

// Resolver finds the types of a bundle, and those that are linked in.
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

// PayloadTypes finds what a payload may name: the types of a bundle and the well-known ones. What else is linked in is of
// this program, not of the schema.
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
