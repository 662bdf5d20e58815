package compile

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Reachable collects the messages and enums that a payload can hold, in the order in which they are found. It leaves out those
// of shared files.
type Reachable struct {
	// Within adds the extensions that these files declare. If it is nil, only declared fields are followed.
	Within     *Files
	Messages   []protoreflect.MessageDescriptor
	Enums      []protoreflect.EnumDescriptor
	Extensions []protoreflect.ExtensionDescriptor
	// Any means that a payload can hold a google.protobuf.Any, and so every message of the files.
	Any  bool
	seen map[protoreflect.FullName]bool
}

// Add adds a message and everything that it can hold.
func (r *Reachable) Add(message protoreflect.MessageDescriptor) {
	if !r.first(message) {
		return
	}
	for queue := []protoreflect.MessageDescriptor{message}; len(queue) > 0; queue = queue[1:] {
		if !IsShared(queue[0].ParentFile().Path()) {
			r.Messages = append(r.Messages, queue[0])
		}
		queue = append(queue, r.held(queue[0])...)
	}
}

// held returns the messages in the fields of a message that were not found before, and collects its enums.
func (r *Reachable) held(message protoreflect.MessageDescriptor) []protoreflect.MessageDescriptor {
	r.Any = r.Any || message.FullName() == "google.protobuf.Any"
	var found []protoreflect.MessageDescriptor
	for i := range message.Fields().Len() {
		found = append(found, r.field(message.Fields().Get(i))...)
	}
	for _, added := range r.extensionsOf(message) {
		if r.first(added) {
			r.Extensions = append(r.Extensions, added)
			found = append(found, r.field(added)...)
		}
	}
	return found
}

// field returns the message of a field if it was not found before, and collects its enum.
func (r *Reachable) field(field protoreflect.FieldDescriptor) []protoreflect.MessageDescriptor {
	if field.IsMap() {
		field = field.MapValue()
	}
	if one := field.Enum(); one != nil && r.first(one) && !IsShared(one.ParentFile().Path()) {
		r.Enums = append(r.Enums, one)
	}
	if one := field.Message(); one != nil && r.first(one) {
		return []protoreflect.MessageDescriptor{one}
	}
	return nil
}

// extensionsOf returns the extensions of a message by number.
func (r *Reachable) extensionsOf(message protoreflect.MessageDescriptor) []protoreflect.ExtensionDescriptor {
	if r.Within == nil {
		return nil
	}
	return r.Within.ExtensionFields(message.FullName())
}

// ExtensionFields returns the extensions of a message by number, without those of shared files.
func (f *Files) ExtensionFields(extended protoreflect.FullName) []protoreflect.ExtensionDescriptor {
	var found []protoreflect.ExtensionDescriptor
	for _, one := range f.Extensions[extended] {
		if added := one.TypeDescriptor().Descriptor(); !IsShared(added.ParentFile().Path()) {
			found = append(found, added)
		}
	}
	slices.SortFunc(found, func(x, y protoreflect.ExtensionDescriptor) int { return cmp.Compare(x.Number(), y.Number()) })
	return found
}

// AddAll adds all messages of the files, which an Any can hold.
func (r *Reachable) AddAll() {
	for _, message := range r.Within.OwnMessages() {
		r.Add(message)
	}
}

// OwnMessages returns the messages of the files by name, without those of shared files.
func (f *Files) OwnMessages() []protoreflect.MessageDescriptor {
	var found []protoreflect.MessageDescriptor
	f.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !IsShared(file.Path()) {
			found = appendMessages(found, file.Messages())
		}
		return true
	})
	slices.SortFunc(found, func(x, y protoreflect.MessageDescriptor) int { return cmp.Compare(x.FullName(), y.FullName()) })
	return found
}

func appendMessages(found []protoreflect.MessageDescriptor, messages protoreflect.MessageDescriptors) []protoreflect.MessageDescriptor {
	for i := range messages.Len() {
		if one := messages.Get(i); !one.IsMapEntry() {
			found = appendMessages(append(found, one), one.Messages())
		}
	}
	return found
}

// first records a descriptor and reports whether it is new.
func (r *Reachable) first(d protoreflect.Descriptor) bool {
	if r.seen == nil {
		r.seen = make(map[protoreflect.FullName]bool)
	}
	if r.seen[d.FullName()] {
		return false
	}
	r.seen[d.FullName()] = true
	return true
}
