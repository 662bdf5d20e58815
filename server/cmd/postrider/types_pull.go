package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	pulledSources     = "proto"
	pulledDescriptors = "schemas.binpb"
	pulledTemplate    = "buf.gen.yaml"
	// generate installs what the template names, and generates.
	generate = "npm install @postrider/client @bufbuild/protobuf @bufbuild/buf @bufbuild/protoc-gen-es && npx buf generate"
)

func pullTypes(env environment, to *connection) *cobra.Command {
	var patterns []string
	var goPrefix string
	cmd := &cobra.Command{
		Use: "pull DIR", Short: "Write the registered schemas and a buf.gen.yaml that generates code from them",
		Long: `Write the registered schemas to a folder: proto/ with .proto files for people, schemas.binpb with the same schemas for
generators, and a buf.gen.yaml. The command prints what to run next in that folder, for TypeScript. With buf and the plugins in that file
installed, "buf generate" alone generates the code; it needs no network. An existing buf.gen.yaml is kept.`,
		Example: `  postrider types pull events
  postrider types pull events --types 'shop.*' --go-prefix example.com/shop/events/gen/go
  cd events && buf generate`,
		Args: oneArgument("into which folder?"),
	}
	cmd.Flags().StringSliceVar(&patterns, "types", nil, "event types: exact, a prefix such as 'shop.*', or '*' (default: all)")
	named(cmd.Flags(), "types", "TYPE,...")
	selective(cmd, "types")
	cmd.Flags().Var(placeholder(&goPrefix, "PATH"), "go-prefix", "also generate Go code, with this import path for the folder gen/go")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := to.open()
		if err != nil {
			return err
		}
		response, err := c.types.GetSchemas(cmd.Context(), connect.NewRequest(&postriderv1.GetSchemasRequest{Types: patterns, Sources: true}))
		if err != nil {
			return err
		}
		for _, left := range response.Msg.GetLeftOut() {
			_ = say(env.stderr, "left out: %s, version %d: %s\n", left.GetType(), left.GetVersion(), left.GetReason())
		}
		if err := writePulled(args[0], response.Msg, goPrefix); err != nil {
			return err
		}
		err = say(env.stdout, "%d event types in %d files written to %s\n", len(response.Msg.GetTypes()), len(response.Msg.GetFiles()), args[0])
		if err != nil {
			return err
		}
		return say(env.stderr, "next: cd %s && %s\n", args[0], generate)
	}
	return cmd
}

func writePulled(folder string, schemas *postriderv1.GetSchemasResponse, goPrefix string) error {
	if len(schemas.GetTypes()) == 0 {
		return errors.New("no such event type")
	}
	for _, file := range schemas.GetFiles() {
		// The names come from the server.
		name := filepath.FromSlash(file.GetPath())
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the server returned a file %q, which is outside the folder", file.GetPath())
		}
		if err := writeBelow(folder, filepath.Join(pulledSources, name), []byte(file.GetContent())); err != nil {
			return err
		}
	}
	if err := writeBelow(folder, pulledDescriptors, schemas.GetDescriptorSet()); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, pulledTemplate)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeBelow(folder, pulledTemplate, []byte(template(goPrefix)))
}

func writeBelow(folder, name string, content []byte) error {
	file := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// template is a buf.gen.yaml for TypeScript, and with a prefix for Go.
func template(goPrefix string) string {
	text := `# Made by "postrider types pull"; change it as you like. "buf generate" in this folder makes the types.
version: v2
inputs:
  - binary_image: ` + pulledDescriptors + `
    # What every schema shares has generated code of its own.
    exclude_paths: [google, buf, postrider]
`
	if goPrefix != "" {
		text += `managed:
  enabled: true
  disable:
    - file_option: go_package
      path: buf
    - file_option: go_package
      path: postrider
    - file_option: go_package
      path: google
  override:
    - file_option: go_package_prefix
      value: ` + goPrefix + `
`
	}
	text += `plugins:
  # npm install @postrider/client @bufbuild/protobuf, and @bufbuild/protoc-gen-es for the plugin.
  - local: protoc-gen-es
    out: gen/ts
    opt:
      - target=ts
      - import_extension=js
      - rewrite_imports=./postrider/v1/*_pb.js:@postrider/client/gen
    # Validation rules are for those who validate; without them a page is lighter.
    exclude_types: [buf.validate.field, buf.validate.message, buf.validate.oneof]
`
	if goPrefix != "" {
		text += `  # go install google.golang.org/protobuf/cmd/protoc-gen-go
  - local: protoc-gen-go
    out: gen/go
    opt: [paths=source_relative]
`
	}
	return text
}
