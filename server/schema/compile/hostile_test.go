package compile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// Rules that would keep the server busy for days, or take all of its memory, are refused before they are evaluated.
func TestRulesAreBounded(t *testing.T) {
	t.Parallel()
	for expression, refused := range map[string]bool{
		strings.Repeat("[0,1,2,3,4,5,6,7,8,9].all(x, ", 9) + "true" + strings.Repeat(")", 9):  true,
		"['aaaaaaaaaa']" + strings.Repeat(".map(s, s+s)", 40) + "[0] != ''":                   true,
		"[[1]]" + strings.Repeat(".map(s, s+s)", 40) + "[0].all(x, x == 1)":                   true,
		strings.Repeat("this.all(x, ", 6) + "true" + strings.Repeat(")", 6):                   true,
		"this.all(x, this.exists_one(y, x == y))":                                             false,
		"this.map(x, x + 'a').filter(x, x != 'b').unique() ? '' : 'no'":                       false,
		"!this.exists(x, x in ['" + strings.Repeat("a', '", 500) + "'])":                      false,
		"this.all(x, x.startsWith('a') && x.size() < 9 && x.matches('^[a-z]+$') || x == 'b')": false,
	} {
		set := schematest.Compile(t, compile.Source{Path: "m.proto", Content: `syntax = "proto3"; import "buf/validate/validate.proto";
message M { repeated string a = 1 [(buf.validate.field).cel = {id: "x", expression: "` + expression + `"}]; }`})
		_, err := compile.Select(set, compile.Selection{All: true})
		if (err != nil) != refused {
			t.Errorf("%.100s: %v", expression, err)
		}
	}
}

// hostileSources are sources designed to harm a compiler.
func hostileSources() map[string]string {
	var fields, chain strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&fields, "  int32 f%d = %d;\n", i, i+1)
	}
	for i := range 300 {
		fmt.Fprintf(&chain, "-- f%d.proto --\nsyntax = \"proto3\"; import \"f%d.proto\";\n", i, i+1)
	}
	return map[string]string{
		"cyclic imports":   "-- a.proto --\nimport \"b.proto\";\n-- b.proto --\nimport \"c.proto\";\n-- c.proto --\nimport \"a.proto\";\n",
		"10,000 fields":    "-- a.proto --\nsyntax = \"proto3\";\nmessage M {\n" + fields.String() + "}\n",
		"deep recursion":   "-- a.proto --\n" + strings.Repeat("message A { ", 5000),
		"deep option":      "-- a.proto --\noption (x) = " + strings.Repeat("{a: ", 5000),
		"deep comments":    "-- a.proto --\n" + strings.Repeat("/*", 5000) + strings.Repeat("'\\", 5000),
		"holds itself":     "-- a.proto --\nsyntax = \"proto3\";\nmessage M { M m = 1; repeated M ms = 2; map<string, M> by = 3; }",
		"missing files":    "-- a.proto --\n" + strings.Repeat("import \"no.proto\";\n", 200),
		"long chain":       chain.String(),
		"duplicate symbol": "-- a.proto --\nmessage A {}\nmessage A {}\nenum A { A = 0; }\n-- b.proto --\nmessage A {}\n",
		"hostile options": "-- a.proto --\nsyntax = \"proto2\"; import \"google/protobuf/descriptor.proto\"; import \"buf/validate/validate.proto\";\n" +
			"extend google.protobuf.MessageOptions { optional M m = 51204; }\nmessage M { option (m).m.m = {m: {m: {}}}; optional M m = 1; " +
			"optional string s = 2 [(buf.validate.field).string = {pattern: \"(((((\", min_len: 18446744073709551615}]; extensions 100 to max; }\n",
		"hostile rule": "-- a.proto --\nsyntax = \"proto3\"; import \"buf/validate/validate.proto\";\nmessage M { string a = 1 [(buf.validate.field).cel = {id: \"x\", expression: \"" +
			strings.Repeat("[0,1,2,3,4,5,6,7,8,9].all(x, ", 9) + "true" + strings.Repeat(")", 9) + "\"}]; }",
		"shared under its own name": "-- google/protobuf/any.proto --\nmessage Any {}\n-- a.proto --\nimport \"google/protobuf/any.proto\"; message M { optional google.protobuf.Any a = 1; }",
		"odd numbers":               "-- a.proto --\nmessage M { reserved 1 to max; extensions 5 to 2; optional int32 a = 0; optional int32 b = 536870912; }",
	}
}

// registerTimeout is how long registering a small hostile schema may take, on a slow machine with the race detector. One of
// them takes seconds on any machine.
const registerTimeout = time.Minute

// register registers a schema as a registration would. It fails the test on an error that does not name a fault of the
// schema.
func register(tb testing.TB, files []compile.Source) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), registerTimeout)
	defer cancel()
	set, err := compile.Compile(ctx, files)
	if told(tb, err) {
		return
	}
	selectAll(tb, set)
}

func selectAll(tb testing.TB, set []byte) {
	tb.Helper()
	types, err := compile.Select(set, compile.Selection{All: true})
	if told(tb, err) {
		return
	}
	for _, one := range types[:min(len(types), 3)] {
		found, err := new(schema.Candidates).Type(one)
		if err != nil {
			tb.Fatalf("selected, but no candidate: %v", err)
		}
		if _, err := compat.Compare(found, found); err != nil {
			tb.Fatal(err)
		}
		if _, err := found.Documentation(); err != nil {
			tb.Fatal(err)
		}
		if _, err := found.JSONSchema(); err != nil {
			tb.Fatal(err)
		}
	}
}

// told reports whether there is an error. It fails the test if the error does not name the fault of the schema.
func told(tb testing.TB, err error) bool {
	tb.Helper()
	if err == nil {
		return false
	}
	var invalid *gateway.Error
	if !errors.As(err, &invalid) || invalid.Reason != gateway.ReasonInvalidSchema || invalid.Message == "" {
		tb.Fatalf("%v is no error of an invalid schema", err)
	}
	return true
}

func TestHostileSources(t *testing.T) {
	t.Parallel()
	for name, text := range hostileSources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			register(t, schematest.Sources(text))
			if took := time.Since(began); took > registerTimeout {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestChainsOfMessagesAreBounded registers messages that contain each other in a chain. The validator is recursive, and a
// stack overflow would end the process.
func TestChainsOfMessagesAreBounded(t *testing.T) {
	t.Parallel()
	for _, length := range []int{10_000, 100_000} {
		set := encode(t, chainOfMessages(length))
		types, err := compile.Select(set, compile.Selection{Messages: []compile.Named{{Message: "M0"}}})
		if refused := told(t, err); refused != (length > 10_000) {
			t.Errorf("%d messages: %v", length, err)
		}
		for _, one := range types {
			found, err := new(schema.Candidates).Type(one)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := compat.Compare(found, found); err != nil {
				t.Error(err)
			}
			if _, violations, err := found.FromJSON([]byte("{}")); err != nil || len(violations) > 0 {
				t.Error(violations, err)
			}
		}
	}
}

// chainOfMessages declares messages that each contain the next one; the last one contains itself.
func chainOfMessages(length int) *descriptorpb.FileDescriptorProto {
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("chain.proto")}
	for i := range length {
		file.MessageType = append(file.MessageType, &descriptorpb.DescriptorProto{
			Name: proto.String(fmt.Sprintf("M%d", i)), Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("next"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
				Type:     descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
				TypeName: proto.String(fmt.Sprintf(".M%d", min(i+1, length-1))),
			}},
		})
	}
	return file
}

func FuzzCompile(f *testing.F) {
	for _, text := range hostileSources() {
		if len(text) < 1<<16 {
			f.Add(text)
		}
	}
	f.Add(marked)
	f.Fuzz(func(t *testing.T, text string) { register(t, schematest.Sources(text)) })
}

func FuzzSelect(f *testing.F) {
	for name, text := range hostileSources() {
		if set, err := compile.Compile(f.Context(), schematest.Sources(text)); err == nil && len(set) < 1<<16 {
			f.Add(set)
		} else if name == "holds itself" {
			f.Fatal(err)
		}
	}
	f.Add(schematest.Compile(f, schematest.Sources(marked)...))
	f.Add(encode(f, &descriptorpb.FileDescriptorProto{Name: proto.String("a"), Dependency: []string{"b"}},
		&descriptorpb.FileDescriptorProto{Name: proto.String("b"), Dependency: []string{"a"}}))
	f.Add(encode(f, &descriptorpb.FileDescriptorProto{}, &descriptorpb.FileDescriptorProto{}))
	f.Add(encode(f, &descriptorpb.FileDescriptorProto{
		Name: proto.String("a"), MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
			{}, {Path: []int32{4, -1}, Span: []int32{-1, 5, 3}}, {Path: []int32{4, 0}, Span: []int32{3, 1, 2, 9}},
		}},
	}))
	f.Fuzz(func(t *testing.T, set []byte) { selectAll(t, set) })
}

func encode(tb testing.TB, files ...*descriptorpb.FileDescriptorProto) []byte {
	tb.Helper()
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: files})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}
