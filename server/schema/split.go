package schema

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// New is a schema that is to be registered.
type New struct {
	// Type is the event type: the full name of the message.
	Type    string
	Message string
	// Files is a FileDescriptorSet with the message's file and all that it imports, without comments.
	Files []byte
	// Hash tells versions apart. It does not cover files that every schema shares (google.protobuf, buf.validate), so that
	// a newer compiler does not make a new version of everything.
	Hash [sha256.Size]byte
}

// sharedFiles are the folders whose messages are no event types.
var sharedFiles = []string{"google/protobuf/", "buf/validate/"}

// Split finds the event types in an encoded FileDescriptorSet: every top-level message of its files, but for those that
// every schema shares. All of them are compiled, rules included; an error names what does not compile.
func Split(descriptorSet []byte) ([]New, error) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(descriptorSet, set); err != nil {
		return nil, fmt.Errorf("not a FileDescriptorSet: %s", trimProto(err.Error()))
	}
	files := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, file := range set.GetFile() {
		file.SourceCodeInfo = nil
		files[file.GetName()] = file
	}
	var found []New
	for _, file := range set.GetFile() {
		if isShared(file.GetName()) {
			continue
		}
		types, err := splitFile(file, files)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.GetName(), err)
		}
		found = append(found, types...)
	}
	return found, nil
}

func isShared(file string) bool {
	for _, folder := range sharedFiles {
		if strings.HasPrefix(file, folder) {
			return true
		}
	}
	return false
}

func splitFile(file *descriptorpb.FileDescriptorProto, files map[string]*descriptorpb.FileDescriptorProto) ([]New, error) {
	if len(file.GetMessageType()) == 0 {
		return nil, nil
	}
	needed := &closure{files: files, seen: make(map[string]bool), hashed: &descriptorpb.FileDescriptorSet{}}
	if err := needed.add(file.GetName()); err != nil {
		return nil, err
	}
	compiled, err := newBundle(&needed.all)
	if err != nil {
		return nil, err
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(&needed.all)
	if err != nil {
		return nil, err
	}
	hash, err := needed.hash()
	if err != nil {
		return nil, err
	}
	var types []New
	for _, message := range file.GetMessageType() {
		name := strings.TrimPrefix(file.GetPackage()+"."+message.GetName(), ".")
		if err := checkType(compiled, name); err != nil {
			return nil, fmt.Errorf("message %s: %w", name, err)
		}
		types = append(types, New{Type: name, Message: name, Files: encoded, Hash: hash})
	}
	return types, nil
}

func checkType(compiled *bundle, name string) error {
	if !gateway.ValidType(name) {
		return fmt.Errorf("its name is not an event type of at most %d characters", gateway.MaxTypeLength)
	}
	message, err := compiled.message(name)
	if err != nil {
		return err
	}
	return message.checkCompiles()
}

// closure gathers a file and what it imports, imports first.
type closure struct {
	files  map[string]*descriptorpb.FileDescriptorProto
	seen   map[string]bool
	all    descriptorpb.FileDescriptorSet
	hashed *descriptorpb.FileDescriptorSet
}

func (c *closure) add(name string) error {
	if c.seen[name] {
		return nil
	}
	c.seen[name] = true
	file, err := c.file(name)
	if err != nil {
		return err
	}
	for _, imported := range file.GetDependency() {
		if err := c.add(imported); err != nil {
			return err
		}
	}
	c.all.File = append(c.all.File, file)
	if !isShared(name) {
		c.hashed.File = append(c.hashed.File, file)
	}
	return nil
}

// file finds a file in the set, or among those that are linked in when the set leaves out the shared ones.
func (c *closure) file(name string) (*descriptorpb.FileDescriptorProto, error) {
	if file := c.files[name]; file != nil {
		return file, nil
	}
	if isShared(name) {
		if linked, err := protoregistry.GlobalFiles.FindFileByPath(name); err == nil {
			return protodesc.ToFileDescriptorProto(linked), nil
		}
	}
	return nil, fmt.Errorf("import %q is not in the set", name)
}

func (c *closure) hash() ([sha256.Size]byte, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(c.hashed)
	return sha256.Sum256(encoded), err
}
