//go:build ignore

// Generator writes this package from schema/. It is built from tools/go.mod, and so is the program with which ent loads the schema.
package main

import (
	"log"

	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	features := entc.FeatureNames("sql/upsert", "sql/versioned-migration")
	if err := entc.Generate("./schema", &gen.Config{}, features, entc.BuildFlags("-modfile=../tools/go.mod")); err != nil {
		log.Fatal(err)
	}
}
