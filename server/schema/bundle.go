package schema

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/describe"
)

// bundles holds the compiled files. Types that come from the same files share one bundle.
type bundles struct {
	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*bundle
	// bySet spares hashing a set that several types share. The key is the address of its first byte.
	bySet map[*byte]*bundle
}

// bundle is a set of files, the codec for their payloads and the declarer of their declarations.
type bundle struct {
	codec    *codec.Codec
	declarer *describe.Declarer
}

// compiled is a message of a bundle.
type compiled struct {
	*codec.Message
	declarer *describe.Declarer
}

// message returns a compiled message of an encoded FileDescriptorSet.
func (b *bundles) message(files []byte, name string) (compiled, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, err := b.of(files)
	if err != nil {
		return compiled{}, err
	}
	message, err := found.codec.Message(name)
	return compiled{message, found.declarer}, err
}

// of returns the bundle of a set. The caller holds the lock.
func (b *bundles) of(files []byte) (*bundle, error) {
	if len(files) == 0 {
		return newBundle(&descriptorpb.FileDescriptorSet{})
	}
	if found := b.bySet[&files[0]]; found != nil {
		return found, nil
	}
	if b.bySet == nil {
		b.bySet, b.byHash = make(map[*byte]*bundle), make(map[[sha256.Size]byte]*bundle)
	}
	hash := sha256.Sum256(files)
	found := b.byHash[hash]
	if found == nil {
		set := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal(files, set); err != nil {
			return nil, fmt.Errorf("not a FileDescriptorSet: %w", err)
		}
		var err error
		if found, err = newBundle(set); err != nil {
			return nil, err
		}
	}
	b.byHash[hash], b.bySet[&files[0]] = found, found
	return found, nil
}

func newBundle(set *descriptorpb.FileDescriptorSet) (*bundle, error) {
	files, err := compile.NewFiles(set)
	if err != nil {
		return nil, err
	}
	return &bundle{codec.New(files), describe.NewDeclarer(files)}, nil
}
