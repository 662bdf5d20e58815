package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var schemaCases = []testCase{
	{"registering is idempotent", testRegisterAgain},
	{"a change makes a version", testSchemaVersions},
	{"a failed registration changes nothing", testRegisterCancelled},
}

func schemaOf(name, files string) store.NewSchema {
	return store.NewSchema{Type: name, Message: name, Files: []byte(files), Hash: sha256.Sum256([]byte(files))}
}

// registered registers one version each and answers all versions.
func registered(w *world, types ...string) []store.SchemaVersion {
	w.t.Helper()
	var schemas []store.NewSchema
	for _, name := range types {
		schemas = append(schemas, schemaOf(name, "files of "+name))
	}
	if err := w.RegisterSchemas(context.Background(), schemas); err != nil {
		w.t.Fatal(err)
	}
	versions, _ := w.schemas()
	return versions
}

func (w *world) schemas() ([]store.SchemaVersion, int64) {
	w.t.Helper()
	versions, revision, err := w.Schemas(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return versions, revision
}

func testRegisterAgain(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	for range 3 {
		registered(w, "shop.v1.Order", "shop.v1.Item")
		versions, revision := w.schemas()
		equal(t, "versions", len(versions), 2)
		equal(t, "revision", revision, 1)
		equal(t, "revision", w.RegistryRevision(), 1)
		w.restart()
	}
}

func testSchemaVersions(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	steps := []struct {
		schemas  []store.NewSchema
		revision int64
		want     string
	}{
		{[]store.NewSchema{schemaOf("a", "1"), schemaOf("b", "1")}, 1, "a1* b1* "},
		{[]store.NewSchema{schemaOf("a", "2"), schemaOf("b", "1")}, 2, "a1 b1* a2* "},
		{[]store.NewSchema{schemaOf("a", "1")}, 3, "a1 b1* a2 a3* "},
		{[]store.NewSchema{{Type: "b", Message: "other", Files: []byte("1"), Hash: sha256.Sum256([]byte("1"))}}, 4, "a1 b1 a2 a3* b2* "},
	}
	files := []string{"1", "1", "2", "1", "1"}
	for _, step := range steps {
		if err := w.RegisterSchemas(context.Background(), step.schemas); err != nil {
			t.Fatal(err)
		}
		versions, revision := w.schemas()
		text := ""
		for i, v := range versions {
			text += fmt.Sprint(v.Type, v.Version)
			if v.Latest {
				text += "*"
			}
			text += " "
			if !bytes.Equal(v.Files, []byte(files[i])) || v.ID == gateway.SchemaID(0) {
				t.Errorf("version %d has files %q and id %d", i, v.Files, v.ID)
			}
		}
		equal(t, "versions", text, step.want)
		equal(t, "revision", revision, step.revision)
	}
}

func testRegisterCancelled(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.RegisterSchemas(gone, []store.NewSchema{schemaOf("a", "1")}); err == nil {
		t.Fatal("no error")
	}
	w.start()
	equal(t, "head", w.publish(w.event("evt"))[0].Position, 1)
	versions, revision := w.schemas()
	equal(t, "versions and revision", fmt.Sprint(len(versions), revision), "0 0")
}
