package compile

import (
	"crypto/sha256"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// closure collects files and everything they import, imports first.
type closure struct {
	files map[string]*descriptorpb.FileDescriptorProto
	seen  map[string]bool
	all   descriptorpb.FileDescriptorSet
	// encoded holds the files that have been encoded already: a file can be part of many closures.
	encoded map[string]encodedFile
}

// encodedFile holds the stored form of a file, and the form that the hash covers.
type encodedFile struct{ stored, hashed []byte }

// readClosure collects all files of an encoded FileDescriptorSet.
func readClosure(descriptorSet []byte) (*closure, error) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxSetDepth}).Unmarshal(descriptorSet, set); err != nil {
		return nil, invalid("descriptor_set: is not a FileDescriptorSet: %s", TrimProto(err.Error()))
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
	return whole, nil
}

// newClosure returns an empty closure over the files of a set.
func newClosure(set *descriptorpb.FileDescriptorSet) (*closure, error) {
	if len(set.GetFile()) > MaxSourceFiles {
		return nil, invalid("descriptor_set: has %d files, at most %d are taken together", len(set.GetFile()), MaxSourceFiles)
	}
	c := &closure{
		files: make(map[string]*descriptorpb.FileDescriptorProto), seen: make(map[string]bool),
		encoded: make(map[string]encodedFile),
	}
	for _, file := range set.GetFile() {
		name := file.GetName()
		if c.files[name] != nil {
			return nil, invalid("descriptor_set: file %.512q is there twice", name)
		}
		if shared := Shared(name); shared != nil {
			file = protodesc.ToFileDescriptorProto(shared)
		}
		trimLocations(file)
		c.files[name] = file
	}
	return c, nil
}

// of returns an empty closure over the same files.
func (c *closure) of() *closure {
	return &closure{files: c.files, seen: make(map[string]bool), encoded: c.encoded}
}

func (c *closure) add(name string, depth int) error {
	if c.seen[name] {
		return nil
	}
	if depth > maxImportDepth {
		return invalid("descriptor_set: %.512q is at the end of a chain of more than %d imports", name, maxImportDepth)
	}
	c.seen[name] = true
	file := c.file(name)
	for _, imported := range file.GetDependency() {
		if c.files[imported] == nil && !IsShared(imported) {
			return invalid("descriptor_set: %s: import %.512q is not in the set", name, imported)
		}
		if err := c.add(imported, depth+1); err != nil {
			return err
		}
	}
	c.all.File = append(c.all.File, file)
	return nil
}

// file returns the file that is compiled for a path. For a shared path it is the server's own file.
func (c *closure) file(name string) *descriptorpb.FileDescriptorProto {
	file := c.files[name]
	if file == nil {
		file = protodesc.ToFileDescriptorProto(Shared(name))
		c.files[name] = file
	}
	return file
}

// maxPackedBytes bounds the descriptors of one selection. Each file is packed with all that it imports.
const maxPackedBytes = 256 << 20

// pack encodes the files of each event type.
func (c *closure) pack(types []chosen, compiled *Files) ([]EventType, error) {
	packed, size := make(map[string]EventType), 0
	found := make([]EventType, 0, len(types))
	for _, one := range types {
		paths := c.needed(one.descriptor, compiled)
		key := strings.Join(paths, "\x00")
		files, ok := packed[key]
		if !ok {
			var err error
			if files, err = c.packFiles(paths); err != nil {
				return nil, err
			}
			if size += len(files.Files); size > maxPackedBytes {
				return nil, invalid("descriptor_set: the event types need more than %d bytes of descriptors; register fewer together",
					maxPackedBytes)
			}
			packed[key] = files
		}
		one.Files, one.Hash = files.Files, files.Hash
		found = append(found, one.EventType)
	}
	return found, nil
}

// needed returns the files that a type needs, without their imports: the type's own file, and files that its payloads need
// although the type does not import them. Those are the files that declare extensions of its messages, or all files if a
// payload can hold a google.protobuf.Any.
func (c *closure) needed(message protoreflect.MessageDescriptor, compiled *Files) []string {
	reached := &Reachable{Within: compiled}
	if reached.Add(message); reached.Any {
		var all []string
		for _, file := range c.all.GetFile() {
			all = append(all, file.GetName())
		}
		return all
	}
	var paths []string
	for _, added := range reached.Extensions {
		paths = append(paths, added.ParentFile().Path())
	}
	slices.Sort(paths)
	return append([]string{message.ParentFile().Path()}, slices.Compact(paths)...)
}

func (c *closure) packFiles(paths []string) (files EventType, err error) {
	needed := c.of()
	for _, path := range paths {
		if err := needed.add(path, 0); err != nil {
			return EventType{}, err
		}
	}
	hash := sha256.New()
	for _, file := range needed.all.GetFile() {
		if IsShared(file.GetName()) {
			continue
		}
		one, err := c.encode(file)
		if err != nil {
			return EventType{}, err
		}
		files.Files = append(files.Files, one.stored...)
		hash.Write(one.hashed)
	}
	files.Hash = [sha256.Size]byte(hash.Sum(nil))
	return files, nil
}

// encode encodes a file as part of an encoded FileDescriptorSet.
func (c *closure) encode(file *descriptorpb.FileDescriptorProto) (encodedFile, error) {
	if done, ok := c.encoded[file.GetName()]; ok {
		return done, nil
	}
	var one encodedFile
	var err error
	if one.stored, err = encodeFile(file); err != nil {
		return one, err
	}
	comments := file.SourceCodeInfo
	file.SourceCodeInfo = nil
	one.hashed, err = encodeFile(file)
	file.SourceCodeInfo = comments
	c.encoded[file.GetName()] = one
	return one, err
}

func encodeFile(file *descriptorpb.FileDescriptorProto) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(
		&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}},
	)
}
