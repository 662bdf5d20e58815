package schema

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Merge puts the files of several types into one encoded FileDescriptorSet, imports first. It returns the set and the types
// whose messages it holds, by name. Of several files with the same path the newest is used. A type is left out when the
// newest file does not have its message any more, or when its files conflict with those of newer types.
func Merge(types []*Type) (descriptorSet []byte, merged []*Type, left []LeftOut, err error) {
	newestFirst := slices.SortedFunc(slices.Values(types), func(a, b *Type) int { return cmp.Compare(b.id, a.id) })
	m := merger{linked: new(protoregistry.Files), read: make(map[*byte]bool), faults: make(map[*byte]string), shared: make(map[string]bool)}
	for _, one := range newestFirst {
		if err := m.add(one); err != nil {
			return nil, nil, nil, err
		}
	}
	for _, one := range newestFirst {
		found, err := m.linked.FindDescriptorByName(protoreflect.FullName(one.message))
		if _, isMessage := found.(protoreflect.MessageDescriptor); err == nil && isMessage {
			merged = append(merged, one)
			continue
		}
		left = append(left, LeftOut{Type: one, Reason: m.reason(one)})
	}
	slices.SortFunc(merged, func(a, b *Type) int { return cmp.Compare(a.name, b.name) })
	descriptorSet, err = proto.MarshalOptions{Deterministic: true}.Marshal(&m.set)
	slices.SortFunc(left, func(a, b LeftOut) int { return cmp.Compare(a.Type.name, b.Type.name) })
	return descriptorSet, merged, left, err
}

// LeftOut is a type that conflicts with newer types.
type LeftOut struct {
	Type *Type
	// Reason is text for people.
	Reason string
}

// reason returns why a type's message is not in the set.
func (m *merger) reason(t *Type) string {
	if fault := m.faults[t.firstByte()]; fault != "" {
		return fault
	}
	return fmt.Sprintf("a newer push of its file has no message %s any more", t.message)
}

type merger struct {
	linked *protoregistry.Files
	set    descriptorpb.FileDescriptorSet
	// read holds the sets that were examined: types of one file share their set.
	read map[*byte]bool
	// faults holds, for each set, why a file of it was left out; the last reason if there are several.
	faults map[*byte]string
	// shared holds the paths of the shared files that are in the set.
	shared map[string]bool
}

// add links the files of a type whose paths are not linked yet. It leaves out files that conflict with linked ones, and
// files that import those.
func (m *merger) add(t *Type) error {
	first := t.firstByte()
	if first == nil || m.read[first] {
		return nil
	}
	m.read[first] = true
	own := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(t.files, own); err != nil {
		return err
	}
	for _, file := range own.GetFile() {
		if compile.IsShared(file.GetName()) {
			continue // added by addImports with the files that import it
		}
		if _, err := m.linked.FindFileByPath(file.GetName()); err == nil {
			continue
		}
		if err := compile.AddFile(m.linked, file); err != nil {
			m.faults[first] = fmt.Sprintf("%s does not go together with newer files: %s", file.GetName(), compile.TrimProto(err.Error()))
			continue
		}
		m.addImports(file.GetDependency())
		m.set.File = append(m.set.File, file)
	}
	return nil
}

// addImports adds shared files to the set, each after the files that it imports. The set must be complete, because its
// readers may not have the shared files.
func (m *merger) addImports(paths []string) {
	for _, path := range paths {
		shared := compile.Shared(path)
		if shared == nil || m.shared[path] {
			continue
		}
		m.shared[path] = true
		file := protodesc.ToFileDescriptorProto(shared)
		m.addImports(file.GetDependency())
		m.set.File = append(m.set.File, file)
	}
}
