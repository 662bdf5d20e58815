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

// Merge puts the files of several types into one encoded FileDescriptorSet, imports first, and returns it with the types
// whose messages it holds, by name. Of files with the same path the newest counts. A type is left out when its message is
// not in the newest file any more, or when its files do not go together with those of newer types.
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

// LeftOut is a type that does not go together with newer ones.
type LeftOut struct {
	Type *Type
	// Reason is for a person.
	Reason string
}

// reason says why a type's message is not in the set.
func (m *merger) reason(t *Type) string {
	if fault := m.faults[t.firstByte()]; fault != "" {
		return fault
	}
	return fmt.Sprintf("a newer push of its file has no message %s any more", t.message)
}

type merger struct {
	linked *protoregistry.Files
	set    descriptorpb.FileDescriptorSet
	// read are the sets that were looked at: types of one file share theirs.
	read map[*byte]bool
	// faults are why files of a set were left out, the last of each.
	faults map[*byte]string
	// shared are the paths of the shared files that are in the set.
	shared map[string]bool
}

// add links those files of a type whose path is not there yet. Files that do not go together with what is there are left
// out, and so are those that import them.
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
			continue // comes with what imports it
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

// addImports puts shared files into the set, which has to stand alone where it goes, after what they import.
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
