package schema

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// reach gathers the messages and enums that a payload can hold, in the order in which they are met. Those of shared files
// are left out.
type reach struct {
	// within makes it wide: the extensions of these files count too. Without it, it is what fields alone lead to.
	within     *bundle
	messages   []protoreflect.MessageDescriptor
	enums      []protoreflect.EnumDescriptor
	extensions []protoreflect.ExtensionDescriptor
	// any says that a google.protobuf.Any is among them. It can hold every message of the files.
	any  bool
	seen map[protoreflect.FullName]bool
}

func (r *reach) message(message protoreflect.MessageDescriptor) {
	if !r.first(message) {
		return
	}
	for queue := []protoreflect.MessageDescriptor{message}; len(queue) > 0; queue = queue[1:] {
		if !isShared(queue[0].ParentFile().Path()) {
			r.messages = append(r.messages, queue[0])
		}
		queue = append(queue, r.held(queue[0])...)
	}
}

// held returns the messages in a message's fields that have not been met, and notes its enums.
func (r *reach) held(message protoreflect.MessageDescriptor) []protoreflect.MessageDescriptor {
	r.any = r.any || message.FullName() == anyName
	var found []protoreflect.MessageDescriptor
	for i := range message.Fields().Len() {
		found = append(found, r.field(message.Fields().Get(i))...)
	}
	for _, added := range r.extensionsOf(message) {
		if r.first(added) {
			r.extensions = append(r.extensions, added)
			found = append(found, r.field(added)...)
		}
	}
	return found
}

// field returns the message in a field if it has not been met, and notes an enum.
func (r *reach) field(field protoreflect.FieldDescriptor) []protoreflect.MessageDescriptor {
	if field.IsMap() {
		field = field.MapValue()
	}
	if one := field.Enum(); one != nil && r.first(one) && !isShared(one.ParentFile().Path()) {
		r.enums = append(r.enums, one)
	}
	if one := field.Message(); one != nil && r.first(one) {
		return []protoreflect.MessageDescriptor{one}
	}
	return nil
}

// extensionsOf are the fields that the files add to a message, by number.
func (r *reach) extensionsOf(message protoreflect.MessageDescriptor) []protoreflect.ExtensionDescriptor {
	if r.within == nil {
		return nil
	}
	return r.within.extensionFields(message.FullName())
}

// extensionFields are the extensions of a message by number, without those of shared files.
func (b *bundle) extensionFields(extended protoreflect.FullName) []protoreflect.ExtensionDescriptor {
	var found []protoreflect.ExtensionDescriptor
	for _, one := range b.extensions[extended] {
		if added := one.TypeDescriptor().Descriptor(); !isShared(added.ParentFile().Path()) {
			found = append(found, added)
		}
	}
	slices.SortFunc(found, func(x, y protoreflect.ExtensionDescriptor) int { return cmp.Compare(x.Number(), y.Number()) })
	return found
}

// everything takes in all messages of the files: what an Any can hold.
func (r *reach) everything() {
	for _, message := range r.within.ownMessages() {
		r.message(message)
	}
}

// ownMessages are the messages of the files that are not shared, by name.
func (b *bundle) ownMessages() []protoreflect.MessageDescriptor {
	var found []protoreflect.MessageDescriptor
	b.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !isShared(file.Path()) {
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
func (r *reach) first(d protoreflect.Descriptor) bool {
	if r.seen == nil {
		r.seen = make(map[protoreflect.FullName]bool)
	}
	if r.seen[d.FullName()] {
		return false
	}
	r.seen[d.FullName()] = true
	return true
}
