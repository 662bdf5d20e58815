package compile

import (
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	// The rules of schemas are extensions. They are read as extensions only because this package is linked in.
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// sharedFiles finds the files that all schemas share: the google/protobuf files that come with every compiler, the rules
// (buf/validate) and the option that marks event types. They are part of the server, so users need not send them. Files that
// users send under these names are not used, because the server and the schema must agree about the meaning of a payload.
var sharedFiles = protocompile.WithStandardImports(protocompile.ResolverFunc(linkedFile))

// optionFile is the path of the file with the option that marks event types.
var optionFile = postriderv1.File_postrider_v1_option_proto.Path()

func linkedFile(path string) (protocompile.SearchResult, error) {
	if path != optionFile && !strings.HasPrefix(path, "buf/validate/") {
		return protocompile.SearchResult{}, protoregistry.NotFound
	}
	found, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return protocompile.SearchResult{Desc: found}, err
}

// Shared returns the shared file of a path, nil when the path is not that of a shared file.
func Shared(path string) protoreflect.FileDescriptor {
	found, err := sharedFiles.FindFileByPath(path)
	if err != nil {
		return nil
	}
	return found.Desc
}

func IsShared(path string) bool { return Shared(path) != nil }
