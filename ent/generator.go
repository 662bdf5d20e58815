//go:build ignore

// Generator writes this package from schema/. It is built from tools/go.mod, and so is the program with which ent loads the schema.
package main

import (
	"log"
	"os"
	"path/filepath"

	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	if err := generate(); err != nil {
		log.Fatal(err)
	}
}

// generate writes the tables for migrations, and a client that knows neither them nor the schema. A client that imports its tables
// makes Atlas a part of the server, which migrates with goose. One that reads defaults from the schema finds their types by reflection,
// and then the linker keeps every method of every type. Without both the server is a third smaller.
func generate() error {
	scratch, err := os.MkdirTemp("", "ent")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := write(&gen.Config{Target: scratch, Features: []gen.Feature{gen.FeatureVersionedMigration}}); err != nil {
		return err
	}
	if err := os.RemoveAll("migrate"); err != nil {
		return err
	}
	if err := os.CopyFS("migrate", os.DirFS(filepath.Join(scratch, "migrate"))); err != nil {
		return err
	}
	client, err := gen.NewStorage("sql")
	if err != nil {
		return err
	}
	client.SchemaMode &^= gen.Migrate
	return write(&gen.Config{Storage: client, Hooks: []gen.Hook{withoutSchema}})
}

// withoutSchema leaves defaults to the tables and to the code that creates rows, and limits to the domain.
func withoutSchema(next gen.Generator) gen.Generator {
	return gen.GenerateFunc(func(graph *gen.Graph) error {
		for _, node := range graph.Nodes {
			for _, field := range node.Fields {
				field.Default, field.Validators = false, 0
			}
		}
		return next.Generate(graph)
	})
}

func write(config *gen.Config) error {
	return entc.Generate("./schema", config, entc.BuildFlags("-modfile=../tools/go.mod"))
}
