package describe

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Declaration identifies a declaration across versions. A field is identified by its number, so it may be renamed.
type Declaration struct {
	within protoreflect.FullName
	number int32
	kind   declarationKind
	// name identifies declarations that have no number.
	name protoreflect.Name
}

type declarationKind uint8

const (
	declaredMessage declarationKind = iota
	declaredField
	declaredOneof
	declaredEnum
	declaredValue
	declaredOption
)

// Declarations holds the text of everything that a payload can hold, in the order in which it is found.
type Declarations struct {
	files   *compile.Files
	order   []Declaration
	element map[Declaration]string
	text    map[Declaration]string
	// digest returns the hash of all declarations, regardless of their order in the files.
	digest func() [sha256.Size]byte
}

// All returns the declarations in order.
func (d *Declarations) All() []Declaration { return d.order }

// Element returns the full name of what is declared.
func (d *Declarations) Element(of Declaration) string { return d.element[of] }

// Text returns a declaration as .proto text; ok is false when it is not one of these.
func (d *Declarations) Text(of Declaration) (text string, ok bool) {
	text, ok = d.text[of]
	return text, ok
}

// Digest returns the hash of all declarations, regardless of their order in the files.
func (d *Declarations) Digest() [sha256.Size]byte { return d.digest() }

// Declarer writes the declarations of the messages of some files.
type Declarer struct {
	files *compile.Files
	// all returns the declarations of all messages of the files. Every type that can hold an Any depends on all of them.
	all func() *Declarations
}

// NewDeclarer returns a declarer for the messages of files.
func NewDeclarer(files *compile.Files) *Declarer {
	return &Declarer{files: files, all: sync.OnceValue(func() *Declarations {
		reached := &compile.Reachable{Within: files}
		reached.AddAll()
		return declare(reached)
	})}
}

// Declarations returns every declaration on which checking payloads of a message depends: what the payloads can hold in
// fields, in extensions and in a google.protobuf.Any, and the options with their definitions. Two versions are the same if
// these texts are. So anything that reading, validating or showing payloads begins to use must be added here.
func (d *Declarer) Declarations(message protoreflect.MessageDescriptor) *Declarations {
	reached := &compile.Reachable{Within: d.files}
	if reached.Add(message); reached.Any {
		return d.all()
	}
	return declare(reached)
}

func declare(reached *compile.Reachable) *Declarations {
	d := &Declarations{files: reached.Within, element: make(map[Declaration]string), text: make(map[Declaration]string)}
	for _, one := range reached.Messages {
		d.message(one)
	}
	for _, one := range reached.Enums {
		d.enum(one)
	}
	for _, one := range reached.Extensions {
		d.extension(one, declaredField)
	}
	d.digest = sync.OnceValue(d.sum)
	return d
}

func (d *Declarations) sum() [sha256.Size]byte {
	lines := make([]string, 0, len(d.text))
	for key, text := range d.text {
		lines = append(lines, fmt.Sprintf("%s %d %d %s %s %s", key.within, key.number, key.kind, key.name, d.element[key], text))
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "\x00")))
}

// extension adds a field that is declared outside of its message. Its JSON name is its full name.
func (d *Declarations) extension(added protoreflect.ExtensionDescriptor, kind declarationKind) {
	key := Declaration{added.ContainingMessage().FullName(), int32(added.Number()), kind, ""}
	if _, done := d.text[key]; done {
		return
	}
	d.add(key, string(added.FullName()), "") // before the field is written: one of its options may be set on itself
	d.text[key] = "extend " + string(added.ContainingMessage().FullName()) + " { " + d.field(added) + " }"
}

// options returns options as text. It also adds the extensions among them with their definitions, for example a predefined
// rule.
func (d *Declarations) options(options proto.Message) []string {
	read := readOptions(d.files, options)
	if read == nil {
		return nil
	}
	d.setExtensions(read)
	return optionTexts(read)
}

// setExtensions adds the extensions that are set anywhere in a message.
func (d *Declarations) setExtensions(message protoreflect.Message) {
	for _, field := range setFields(message) {
		if field.IsExtension() && !compile.IsShared(field.ParentFile().Path()) {
			d.extension(field, declaredOption)
		}
		value := message.Get(field)
		switch {
		case field.IsMap() || field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				d.setExtensions(value.List().Get(i).Message())
			}
		default:
			d.setExtensions(value.Message())
		}
	}
}

func (d *Declarations) add(key Declaration, element, text string) {
	d.order = append(d.order, key)
	d.element[key], d.text[key] = element, text
}

func (d *Declarations) message(message protoreflect.MessageDescriptor) {
	header := []string{"message " + string(message.Name())}
	header = append(header, statements("option ", d.options(message.Options()))...)
	header = append(header, statements("reserved ", reservedTexts(message.ReservedNames(), ReservedFields(message)))...)
	d.add(Declaration{within: message.FullName()}, string(message.FullName()), strings.Join(header, "\n"))
	for i := range message.Oneofs().Len() {
		one := message.Oneofs().Get(i)
		if one.IsSynthetic() {
			continue
		}
		text := append([]string{"oneof " + string(one.Name())}, statements("option ", d.options(one.Options()))...)
		d.add(Declaration{message.FullName(), 0, declaredOneof, one.Name()}, string(one.FullName()), strings.Join(text, "\n"))
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		d.add(Declaration{message.FullName(), int32(field.Number()), declaredField, ""}, string(field.FullName()), d.field(field))
	}
}

// statements turns each text into a statement with a keyword.
func statements(keyword string, texts []string) []string {
	for i, text := range texts {
		texts[i] = "  " + keyword + text + ";"
	}
	return texts
}

// field returns a field's declaration. Properties that the file determines become comments, so that a change of the file
// changes the text.
func (d *Declarations) field(field protoreflect.FieldDescriptor) string {
	name := string(field.Name())
	if field.IsExtension() {
		name = string(field.FullName())
	}
	text := fieldType(field) + " " + name + " = " + fmt.Sprint(field.Number())
	if label := labelOf(field); label != "" {
		text = label + " " + text
	}
	options := d.options(field.Options())
	if field.HasDefault() {
		options = append(options, "default = "+DefaultText(field))
	}
	if field.HasJSONName() && !field.IsExtension() && field.JSONName() != defaultJSONName(field.Name()) {
		options = append(options, "json_name = "+quoted(field.JSONName()))
	}
	if len(options) > 0 {
		text += " [" + strings.Join(options, ", ") + "]"
	}
	text += ";"
	if one := field.ContainingOneof(); one != nil && !one.IsSynthetic() {
		text += " // of the oneof " + string(one.Name())
	}
	return text + encodingNote(field)
}

// encodingNote describes the encoding of a field where it is not the usual one of its type.
func encodingNote(field protoreflect.FieldDescriptor) string {
	switch {
	case field.Kind() == protoreflect.GroupKind:
		return " // delimited"
	case field.IsList() && !field.IsPacked() && isPackable(field.Kind()):
		return " // not packed"
	default:
		return ""
	}
}

func isPackable(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	default:
		return true
	}
}

// labelOf returns the word before a field's type. It describes the effective presence, whatever the syntax of the file.
func labelOf(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return ""
	case field.IsList():
		return "repeated"
	case field.Cardinality() == protoreflect.Required:
		return "required"
	case field.HasPresence() && field.ContainingOneof() == nil && field.Message() == nil, field.HasOptionalKeyword():
		return "optional"
	default:
		return ""
	}
}

// fieldType returns the type of a field, with full names.
func fieldType(field protoreflect.FieldDescriptor) string {
	if field.IsMap() {
		return "map<" + TypeName(field.MapKey()) + ", " + TypeName(field.MapValue()) + ">"
	}
	return TypeName(field)
}

// NamedType returns the message or enum of a field, nil for a scalar.
func NamedType(field protoreflect.FieldDescriptor) protoreflect.Descriptor {
	if message := field.Message(); message != nil {
		return message
	}
	if enum := field.Enum(); enum != nil {
		return enum
	}
	return nil
}

// TypeName returns the name of the type of a field's values.
func TypeName(field protoreflect.FieldDescriptor) string {
	if named := NamedType(field); named != nil {
		return string(named.FullName())
	}
	return field.Kind().String()
}

// DefaultText returns the default of a field as text.
func DefaultText(field protoreflect.FieldDescriptor) string {
	if value := field.DefaultEnumValue(); value != nil {
		return string(value.Name())
	}
	return literal(field, field.Default())
}

// defaultJSONName returns the JSON name of a field that does not set one.
func defaultJSONName(name protoreflect.Name) string {
	var written []byte
	upper := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_':
			upper = true
			continue
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		written = append(written, c)
	}
	return string(written)
}

func (d *Declarations) enum(enum protoreflect.EnumDescriptor) {
	header := []string{"enum " + string(enum.Name())}
	header = append(header, statements("option ", d.options(enum.Options()))...)
	header = append(header, statements("reserved ", reservedTexts(enum.ReservedNames(), ReservedValues(enum)))...)
	if enum.IsClosed() {
		header = append(header, "  // closed")
	}
	if first := enum.Values().Get(0); first.Number() != 0 {
		header = append(header, "  // "+string(first.Name())+" when unset")
	}
	d.add(Declaration{within: enum.FullName(), kind: declaredEnum}, string(enum.FullName()), strings.Join(header, "\n"))
	for i := range enum.Values().Len() {
		value := enum.Values().Get(i)
		text := string(value.Name()) + " = " + fmt.Sprint(value.Number())
		if options := d.options(value.Options()); len(options) > 0 {
			text += " [" + strings.Join(options, ", ") + "]"
		}
		key := Declaration{enum.FullName(), int32(value.Number()), declaredValue, aliasName(enum, value)}
		d.add(key, string(enum.FullName())+"."+string(value.Name()), text+";")
	}
}

// aliasName distinguishes the names of one enum number; it is empty for the first.
func aliasName(enum protoreflect.EnumDescriptor, value protoreflect.EnumValueDescriptor) protoreflect.Name {
	if enum.Values().ByNumber(value.Number()).Index() == value.Index() {
		return ""
	}
	return value.Name()
}
