package compile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/protoutil"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Limits of sources that are compiled together. A larger schema has to be compiled elsewhere and sent as descriptors.
const (
	MaxSourceFiles = 10_000
	// MaxSourceBytes bounds the size of all texts together. Compiling takes about fifty times as much memory.
	MaxSourceBytes = 8 << 20
	maxPathLength  = 512
	compileTime    = 20 * time.Second
)

// Source is the text of one .proto file. Other files import it by Path.
type Source struct{ Path, Content string }

// Compile compiles .proto sources to an encoded FileDescriptorSet with comments and positions, imports first. The files that
// all schemas share (google/protobuf, buf/validate, postrider/v1/option.proto) need not be given; if they are, they are not
// used. Faults are returned as one *gateway.Error (CodeInvalid, ReasonInvalidSchema) with a violation for each, whose field
// is "file:line:column". In a file that imports a faulty file, faults are found only once the imported file is correct.
func Compile(ctx context.Context, sources []Source) (descriptorSet []byte, err error) {
	limited, cancel := context.WithTimeout(ctx, compileTime)
	defer cancel()
	c := &compilation{parsed: make(map[string]*ast.FileNode)}
	if err := c.parse(limited, sources); err != nil {
		return nil, tooSlow(ctx, err)
	}
	c.checkImports()
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	files, err := c.link(limited)
	if err != nil {
		return nil, tooSlow(ctx, err)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(gather(files))
}

// tooSlow replaces the error when the time limit of compiling has ended, but not when the caller's context has.
func tooSlow(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return invalid("files: take longer than %s to compile; send a FileDescriptorSet instead", compileTime)
	}
	return err
}

// compilation is the state of compiling some sources.
type compilation struct {
	// names holds the paths of the files in the order in which they were given.
	names  []string
	parsed map[string]*ast.FileNode
	faults faults
}

func (c *compilation) parse(ctx context.Context, sources []Source) error {
	if len(sources) > MaxSourceFiles {
		return invalid("files: are %d, at most %d are compiled together", len(sources), MaxSourceFiles)
	}
	total := 0
	for _, source := range sources {
		if total += len(source.Content); total > MaxSourceBytes {
			return invalid("files: are larger than %d bytes together; send a FileDescriptorSet instead", MaxSourceBytes)
		}
	}
	for _, source := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.parseFile(source)
	}
	return nil
}

func (c *compilation) parseFile(source Source) {
	if fault := pathFault(source.Path); fault != "" {
		c.faults.add(fmt.Sprintf("%.100q", source.Path), "%s", fault)
		return
	}
	if IsShared(source.Path) {
		return
	}
	if _, twice := c.parsed[source.Path]; twice {
		c.faults.add(source.Path, "is given twice")
		return
	}
	c.names = append(c.names, source.Path)
	c.parsed[source.Path] = nil
	if at, deep := openTooDeep(source.Content); deep {
		c.faults.add(source.Path+":"+at, "is nested more than %d deep", maxNesting)
		return
	}
	if edition, at := editionOf(source.Content); edition != "" && edition != "2023" {
		c.faults.add(source.Path+":"+at, "edition %.20q is not supported; use edition 2023, proto3 or proto2", edition)
		return
	}
	file, err := parser.Parse(source.Path, strings.NewReader(source.Content), reporter.NewHandler(c.reporter()))
	if err != nil {
		return
	}
	c.parsed[source.Path] = file
}

// pathFault returns what is wrong with the path of a file.
func pathFault(name string) string {
	switch {
	case name == "":
		return "a file needs a path"
	case len(name) > maxPathLength:
		return fmt.Sprintf("is longer than %d bytes", maxPathLength)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '\\' || r == '\u007f' || r == '\ufffd' }):
		return "has characters that a path cannot have"
	case path.Clean(name) != name || path.IsAbs(name) || name == "." || name == ".." || strings.HasPrefix(name, "../"):
		return "is not a plain path below the folder that imports are resolved from"
	}
	return ""
}

// reporter returns a reporter that collects all faults that the compiler finds.
func (c *compilation) reporter() reporter.Reporter {
	return reporter.NewReporter(func(err reporter.ErrorWithPos) error {
		c.faults.add(place(err.GetPosition()), "%.500s", err.Unwrap().Error())
		return nil
	}, nil)
}

func start(span ast.SourceSpan) string { return place(span.Start()) }

func place(at ast.SourcePos) string {
	return Position{File: at.Filename, Line: at.Line, Column: at.Col}.String()
}

func (c *compilation) link(ctx context.Context) (linker.Files, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.ResolverFunc(c.find), Reporter: c.reporter(),
		SourceInfoMode: protocompile.SourceInfoStandard, MaxParallelism: 1,
	}
	files, err := compiler.Compile(ctx, c.names...)
	if faulty := c.sorted(); faulty != nil {
		return nil, faulty
	}
	var broken protocompile.PanicError
	if errors.As(err, &broken) {
		return nil, invalid("%s: the compiler cannot read it", broken.File)
	}
	return files, err
}

// sorted returns the faults in the order of the files, because the compiler works on several files at once.
func (c *compilation) sorted() error {
	order := make(map[string]int, len(c.names))
	for i, name := range c.names {
		order[name] = i
	}
	file := func(v gateway.Violation) int {
		name, _, _ := strings.Cut(v.Field, ":")
		return order[name]
	}
	slices.SortStableFunc(c.faults.found, func(a, b gateway.Violation) int { return file(a) - file(b) })
	return c.faults.err()
}

func (c *compilation) find(name string) (protocompile.SearchResult, error) {
	if shared := Shared(name); shared != nil {
		return protocompile.SearchResult{Desc: shared}, nil
	}
	if file := c.parsed[name]; file != nil {
		return protocompile.SearchResult{AST: file}, nil
	}
	return protocompile.SearchResult{}, fmt.Errorf("%q: %w", name, io.ErrUnexpectedEOF)
}

// gather collects compiled files and everything they import in a set, imports first.
func gather(files linker.Files) *descriptorpb.FileDescriptorSet {
	set := &descriptorpb.FileDescriptorSet{}
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protoutil.ProtoFromFileDescriptor(file))
	}
	for _, file := range files {
		add(file)
	}
	return set
}
