package schema

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// bundles are the compiled files, shared by the types that live in the same ones.
type bundles struct {
	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*bundle
	// bySet avoids hashing a set that several types share; the key is its first byte.
	bySet map[*byte]*bundle
}

// bundle is a set of files and what checks messages of them.
type bundle struct {
	files *protoregistry.Files
	types resolver
	// validator is made when the first payload is checked: comparing and documenting versions needs none.
	validator func() (ruleMeter, error)
	// open says that a payload may have parts that a rule decodes each time it reads them.
	open bool
	// payloads finds the types that a payload may name, extensions the fields that the files add to a message.
	payloads   payloadTypes
	extensions map[protoreflect.FullName][]protoreflect.ExtensionType

	// allDeclarations writes down all messages of the files, once.
	allDeclarations func() *declarations

	mu       sync.Mutex
	messages map[protoreflect.FullName]*message
}

// message returns a compiled message of an encoded FileDescriptorSet.
func (b *bundles) message(files []byte, name string) (*message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, err := b.of(files)
	if err != nil {
		return nil, err
	}
	return found.message(name)
}

// of returns the compiled files of a set. The lock is held.
func (b *bundles) of(files []byte) (*bundle, error) {
	if len(files) == 0 {
		return newBundle(&descriptorpb.FileDescriptorSet{})
	}
	if found := b.bySet[&files[0]]; found != nil {
		return found, nil
	}
	if b.bySet == nil {
		b.bySet, b.byHash = make(map[*byte]*bundle), make(map[[sha256.Size]byte]*bundle)
	}
	hash := sha256.Sum256(files)
	found := b.byHash[hash]
	if found == nil {
		set := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal(files, set); err != nil {
			return nil, fmt.Errorf("not a FileDescriptorSet: %w", err)
		}
		var err error
		if found, err = newBundle(set); err != nil {
			return nil, err
		}
	}
	b.byHash[hash], b.bySet[&files[0]] = found, found
	return found, nil
}

func newBundle(set *descriptorpb.FileDescriptorSet) (*bundle, error) {
	files, err := newFiles(set)
	if err != nil {
		return nil, err
	}
	types := resolver{dynamicpb.NewTypes(files)}
	b := &bundle{
		files: files, types: types, payloads: payloadTypes{types.own}, extensions: extensionsOf(files),
		messages:  make(map[protoreflect.FullName]*message),
		validator: sync.OnceValues(func() (ruleMeter, error) { return newRuleMeter(types) }), open: holdsOpen(set),
	}
	b.allDeclarations = sync.OnceValue(b.declareAll)
	return b, nil
}

// holdsOpen reports whether the messages of some files may have fields of types that stand for others.
func holdsOpen(set *descriptorpb.FileDescriptorSet) bool {
	return slices.ContainsFunc(set.GetFile(), func(file *descriptorpb.FileDescriptorProto) bool {
		return slices.Contains(file.GetDependency(), "google/protobuf/any.proto") ||
			slices.Contains(file.GetDependency(), "google/protobuf/struct.proto")
	})
}

// newFiles compiles a set whose files come after what they import. Shared files are the server's own, whether or not the
// set has them: that spares the time and the memory of compiling them for every schema.
func newFiles(set *descriptorpb.FileDescriptorSet) (*protoregistry.Files, error) {
	files := &protoregistry.Files{}
	for _, one := range set.GetFile() {
		if err := addFile(files, one); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// addFile compiles one file, after the shared ones that it imports.
func addFile(files *protoregistry.Files, one *descriptorpb.FileDescriptorProto) error {
	if shared := sharedFile(one.GetName()); shared != nil {
		return addShared(files, shared)
	}
	for _, imported := range one.GetDependency() {
		if shared := sharedFile(imported); shared != nil {
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

func (b *bundle) message(name string) (*message, error) {
	found, err := b.files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", name, err)
	}
	descriptor, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is not a message", name)
	}
	return b.prepared(descriptor), nil
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

// resolver finds the types of a bundle, and those that are linked in.
type resolver struct{ own *dynamicpb.Types }

func (r resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if found, err := r.own.FindMessageByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

func (r resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if found, err := r.own.FindMessageByURL(url); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

func (r resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if found, err := r.own.FindExtensionByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

func (r resolver) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	if found, err := r.own.FindExtensionByNumber(message, number); err == nil {
		return found, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, number)
}

// payloadTypes finds what a payload may name: the types of a bundle and the well-known ones. What else is linked in is of
// this program, not of the schema.
type payloadTypes struct{ *dynamicpb.Types }

func (p payloadTypes) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if found, err := p.Types.FindMessageByName(name); err == nil || name.Parent() != "google.protobuf" {
		return found, err
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

func (p payloadTypes) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return p.FindMessageByName(protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:]))
}
