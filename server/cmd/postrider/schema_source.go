package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// protoEnding is what the names of .proto files end with.
const protoEnding = ".proto"

// readSchemas reads a folder of .proto files, one such file with what it imports, or a FileDescriptorSet.
func readSchemas(stdin io.Reader, source string) (descriptorSet []byte, files []*postriderv1.SourceFile, err error) {
	if source == "-" {
		descriptorSet, err = io.ReadAll(stdin)
		if err == nil && len(descriptorSet) == 0 {
			err = errors.New("the standard input is empty; want a FileDescriptorSet")
		}
		return descriptorSet, nil, err
	}
	info, err := os.Stat(source)
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		files, err = readFolder(source)
		return nil, files, err
	case strings.HasSuffix(source, protoEnding):
		files, err = readFile(source)
		return nil, files, err
	default:
		descriptorSet, err = os.ReadFile(source)
		return descriptorSet, nil, err
	}
}

// readFolder reads every .proto file below a folder, but for those in hidden folders and in node_modules.
func readFolder(folder string) ([]*postriderv1.SourceFile, error) {
	var files []*postriderv1.SourceFile
	root := os.DirFS(folder)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := path.Base(name); entry.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "node_modules") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, protoEnding) {
			return nil
		}
		content, err := fs.ReadFile(root, name)
		files = append(files, &postriderv1.SourceFile{Path: name, Content: string(content)})
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there is no %s file in %s", protoEnding, folder)
	}
	return files, err
}

// readFile reads a .proto file and what it imports, as far as that is in the current folder; the rest the server knows, or
// names as missing. A file outside the current folder is taken by its name alone.
func readFile(file string) ([]*postriderv1.SourceFile, error) {
	name := filepath.ToSlash(filepath.Clean(file))
	if !filepath.IsLocal(file) {
		name = path.Base(name)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	files := []*postriderv1.SourceFile{{Path: name, Content: string(content)}}
	seen := map[string]bool{name: true}
	for next := 0; next < len(files); next++ {
		for _, imported := range compile.Imports(files[next].GetContent()) {
			if seen[imported] || !filepath.IsLocal(filepath.FromSlash(imported)) {
				continue
			}
			seen[imported] = true
			if content, err := os.ReadFile(filepath.FromSlash(imported)); err == nil {
				files = append(files, &postriderv1.SourceFile{Path: imported, Content: string(content)})
			}
		}
	}
	return files, nil
}
