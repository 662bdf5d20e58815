package compile

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Reach gathers the messages and enums that a payload can hold, in the order in which they are met. Those of shared files
// are left out.
type Reach struct {
	// Within makes it wide: the extensions of these files count too. Without it, it is what fields alone lead to.
	Within     *Files
	Messages   []protoreflect.MessageDescriptor
	Enums      []protoreflect.EnumDescriptor
	Extensions []protoreflect.ExtensionDescriptor
	// Any says that a google.protobuf.Any is among them. It can hold every message of the files.
	Any  bool
	seen map[protoreflect.FullName]bool
}

func (r *Reach) Message(message protoreflect.MessageDescriptor) {
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

// held returns the messages in a message's fields that have not been met, and notes its enums.
func (r *Reach) held(message protoreflect.MessageDescriptor) []protoreflect.MessageDescriptor {
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

// field returns the message in a field if it has not been met, and notes an enum.
func (r *Reach) field(field protoreflect.FieldDescriptor) []protoreflect.MessageDescriptor {
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

// extensionsOf are the fields that the files add to a message, by number.
func (r *Reach) extensionsOf(message protoreflect.MessageDescriptor) []protoreflect.ExtensionDescriptor {
	if r.Within == nil {
		return nil
	}
	return r.Within.ExtensionFields(message.FullName())
}

// ExtensionFields are the extensions of a message by number, without those of shared files.
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

// Everything takes in all messages of the files: what an Any can hold.
func (r *Reach) Everything() {
	for _, message := range r.Within.OwnMessages() {
		r.Message(message)
	}
}

// OwnMessages are the messages of the files that are not shared, by name.
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

// first reports whether something is met for the first time.
func (r *Reach) first(d protoreflect.Descriptor) bool {
	if r.seen == nil {
		r.seen = make(map[protoreflect.FullName]bool)
	}
	if r.seen[d.FullName()] {
		return false
	}
	r.seen[d.FullName()] = true
	return true
}
