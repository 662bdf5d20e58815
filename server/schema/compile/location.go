package compile

import (
	"slices"

	"google.golang.org/protobuf/types/descriptorpb"
)

// trimLocations keeps only the places and comments of declarations from a compiler's source information. They are a fifth of
// it; the rest is about the words inside declarations.
func trimLocations(file *descriptorpb.FileDescriptorProto) {
	if file.GetSourceCodeInfo() == nil {
		return
	}
	kept := slices.DeleteFunc(file.SourceCodeInfo.Location, func(l *descriptorpb.SourceCodeInfo_Location) bool {
		return !isDeclaration(l.GetPath()) || !isSpan(l.GetSpan())
	})
	file.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: kept}
}

// isDeclaration reports whether a path leads to a declaration. Such a path consists of pairs: a field number of the
// descriptor and an index.
func isDeclaration(path []int32) bool { return len(path) > 0 && len(path)%2 == 0 }

// isSpan reports whether a span is valid: the line and column of the start, then those of the end. The line of the end is
// left out if it is the same.
func isSpan(span []int32) bool {
	if len(span) != 3 && len(span) != 4 || slices.Min(span) < 0 {
		return false
	}
	if len(span) == 3 {
		return span[1] <= span[2]
	}
	return span[0] < span[2] || span[0] == span[2] && span[1] <= span[3]
}
