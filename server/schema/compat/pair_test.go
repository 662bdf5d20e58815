package compat_test

import (
	"flag"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

// TestRepeatedFieldsCompare compares versions with repeated fields, which have no default.
func TestRepeatedFieldsCompare(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		"E", "bytes", "string", "bool", "int32", "uint64", "double", "float", "N", "google.protobuf.Any", "google.protobuf.NullValue",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			text := func(more string) compile.Source {
				return compile.Source{Path: "m.proto", Content: `syntax = "proto2"; import "google/protobuf/any.proto"; import "google/protobuf/struct.proto";
					message M { repeated ` + kind + ` a = 1; ` + more + ` }
					message N {} enum E { X = 0; }`}
			}
			difference := compare(t, "M", text(""), text("optional int32 more = 2;"))
			if len(difference.Changes) != 1 || len(difference.Incompatibilities) > 0 {
				t.Errorf("%+v", difference)
			}
		})
	}
}

var (
	madeUpPairs = flag.Int("pairs", 150, "how many made-up pairs of versions are tried")
	pairsFrom   = flag.Uint64("pair-seed", 0, "the seed of the first made-up pair of versions")
)

// TestPairsOfVersions is a short run of FuzzPairsOfVersions.
func TestPairsOfVersions(t *testing.T) {
	t.Parallel()
	compiled := 0
	for i := range *madeUpPairs {
		if triesPair(t, *pairsFrom+uint64(i)) {
			compiled++
		}
	}
	t.Logf("%d of %d pairs compile", compiled, *madeUpPairs)
	if compiled < *madeUpPairs/2 {
		t.Errorf("%d of %d made-up pairs compile: the generator tries too little", compiled, *madeUpPairs)
	}
}

// FuzzPairsOfVersions takes generated pairs of versions through all use of schemas in registering, publishing and reading.
// No pair may panic. Payloads that are valid in one version are checked against the other.
func FuzzPairsOfVersions(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { triesPair(t, seed) })
}

// triesPair tests one pair and reports whether both of its versions compile.
func triesPair(t *testing.T, seed uint64) (compiled bool) {
	t.Helper()
	defer func() {
		if fault := recover(); fault != nil {
			t.Fatalf("the pair %d: %v", seed, fault)
		}
	}()
	was, is := schematest.Pair(seed)
	before, after := pairVersion(t, was), pairVersion(t, is)
	if before == nil || after == nil {
		return false
	}
	p := versionPair{T: t, seed: seed, before: before, after: after}
	p.compares()
	p.shows(before)
	p.shows(after)
	p.judges()
	return true
}

// pairVersion returns one side of a pair as a type; nil when it does not compile.
func pairVersion(t *testing.T, set *descriptorpb.FileDescriptorSet) *schema.Type {
	t.Helper()
	encoded, err := proto.Marshal(set)
	if err != nil {
		return nil
	}
	types, err := compile.Select(encoded, compile.Selection{Messages: []compile.Named{{Message: schematest.PairType}}})
	if err != nil {
		return nil
	}
	candidate, err := new(schema.Candidates).Type(types[0])
	if err != nil {
		t.Fatal(err)
	}
	return candidate
}

type versionPair struct {
	*testing.T
	seed          uint64
	before, after *schema.Type
}

func (p *versionPair) compares() {
	p.Helper()
	difference, err := compat.Compare(p.before, p.after)
	if err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
	was, _ := p.before.Identity()
	is, _ := p.after.Identity()
	if (was == is) != (len(difference.Changes) == 0) || was == is && len(difference.Incompatibilities) > 0 {
		p.Fatalf("the pair %d: the same version %t, but %+v", p.seed, was == is, difference)
	}
	same, err := compat.Compare(p.before, p.before)
	if err != nil || len(same.Changes)+len(same.Incompatibilities) > 0 {
		p.Fatalf("the pair %d: a version differs from itself: %+v, %v", p.seed, same, err)
	}
}

// shows produces everything that readers of the API are shown of a version.
func (p *versionPair) shows(one *schema.Type) {
	p.Helper()
	if _, err := one.Documentation(); err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
	if _, err := one.JSONSchema(); err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
	set, _, _, err := schema.Merge([]*schema.Type{one})
	if err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
	if _, err := compile.Sources(set); err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
}

// judges checks payloads of the earlier version against both versions.
func (p *versionPair) judges() {
	p.Helper()
	files := schematest.Files(p.T, p.before)
	found, err := files.FindDescriptorByName(schematest.PairType)
	if err != nil {
		p.Fatal(err)
	}
	generator := schematest.New(files, p.seed)
	rules := compat.NewStrictness(p.before, p.after)
	for i := range 3 {
		encoded, err := proto.Marshal(generator.Message(found.(protoreflect.MessageDescriptor)))
		if err != nil {
			continue
		}
		canonical, violations, err := p.before.EncodeBinary(encoded)
		if err != nil || len(violations) > 0 {
			p.Fatalf("the pair %d: a payload is refused: %v %v", p.seed, violations, err)
		}
		p.readsUnder(p.after, canonical)
		if err := rules.Add(&gateway.Event{ID: fmt.Sprint(i), Schema: 1, Data: canonical}); err != nil {
			p.Logf("the pair %d: %v", p.seed, err)
		}
	}
	if _, err := rules.Incompatibilities(); err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
}

type readPayload = func([]byte) ([]byte, []gateway.Violation, error)

// readsUnder renders a payload and publishes it again with another version, and accepts any result except a panic.
func (p *versionPair) readsUnder(other *schema.Type, canonical []byte) {
	p.Helper()
	text, err := p.before.Render(canonical)
	if err != nil {
		p.Fatalf("the pair %d: %v", p.seed, err)
	}
	if again, violations, err := p.before.EncodeJSON(text); err != nil || len(violations) > 0 || string(again) != string(canonical) {
		p.Fatalf("the pair %d: %s is read as %x, %v, %v; it was %x", p.seed, text, again, violations, err, canonical)
	}
	for _, read := range []readPayload{other.FromBinary, other.EncodeBinary} {
		_, _, _ = read(canonical)
	}
	_, _, _ = other.FromJSON(text)
	_, _ = other.Render(canonical)
}
