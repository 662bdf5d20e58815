package compile

import (
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	// The rules of the schemas are extensions; they are read as such because this package is linked in.
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

// sharedFiles returns files that every schema shares: those of google/protobuf that come with every compiler, the rules
// (buf/validate) and the option that marks event types. They are part of the server, so nobody has to send them, and
// what somebody sends under their names is not used: a payload must mean what the server takes it for.
var sharedFiles = protocompile.WithStandardImports(protocompile.ResolverFunc(linkedFile))

// optionFile has the option that marks event types.
var optionFile = postriderv1.File_postrider_v1_option_proto.Path()

func linkedFile(path string) (protocompile.SearchResult, error) {
	if path != optionFile && !strings.HasPrefix(path, "buf/validate/") {
		return protocompile.SearchResult{}, protoregistry.NotFound
	}
	found, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return protocompile.SearchResult{Desc: found}, err
}

// Shared returns a file that every schema shares, nil when the path is not one of theirs.
func Shared(path string) protoreflect.FileDescriptor {
	found, err := sharedFiles.FindFileByPath(path)
	if err != nil {
		return nil
	}
	return found.Desc
}

func IsShared(path string) bool { return Shared(path) != nil }
