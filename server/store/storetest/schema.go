package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var schemaCases = []testCase{
	{"registering is idempotent", testRegisterAgain},
	{"a change makes a version", testSchemaVersions},
	{"two versions of a new type in one request", testTwoVersionsAtOnce},
	{"more types than a statement has rows", testManyTypes},
	{"what was compared with an older registry", testRegisterTooLate},
	{"a failed registration changes nothing", testRegisterCancelled},
}

func schemaOf(name, files string) store.NewSchema {
	return store.NewSchema{Type: name, Message: name, Files: []byte(files), Hash: sha256.Sum256([]byte(files))}
}

// registered registers one version each and returns all event types.
func registered(w *world, types ...string) *store.Registry {
	w.t.Helper()
	var schemas []store.NewSchema
	for _, name := range types {
		schemas = append(schemas, schemaOf(name, "files of "+name))
	}
	w.register(schemas...)
	return w.Registry()
}

func (w *world) register(schemas ...store.NewSchema) {
	w.t.Helper()
	if err := w.RegisterSchemas(context.Background(), 0, store.NewTypes{Level: gateway.LevelEnforce}, schemas); err != nil {
		w.t.Fatal(err)
	}
}

// versions shows the types with the files of their versions.
func versions(registry *store.Registry) string {
	var text []string
	for _, name := range registry.Names("") {
		known := registry.Types[name]
		one := name
		for i, v := range known.Versions {
			if v.Version != i+1 || v.ID == 0 || v.CreateTime.IsZero() {
				one += "!"
			}
			one += fmt.Sprintf(" %d:%s:%s", v.Version, v.Message, v.Files)
		}
		if known.LatestVersion != len(known.Versions) || known.Message != known.Latest().Message {
			one += "!"
		}
		text = append(text, one)
	}
	return strings.Join(text, ", ")
}

func testRegisterAgain(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	for range 3 {
		registry := registered(w, "shop.v1.Order", "shop.v1.Item")
		equal(t, "types", registry.Names(""), []string{"shop.v1.Item", "shop.v1.Order"})
		equal(t, "types after one", registry.Names("shop.v1.Item"), []string{"shop.v1.Order"})
		equal(t, "types after one that is not there", registry.Names("shop.v1.J"), []string{"shop.v1.Order"})
		equal(t, "revision", registry.Revision, 1)
		equal(t, "revision", w.RegistryRevision(), 1)
		w.restart()
	}
}

func testSchemaVersions(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	described := schemaOf("c", "1")
	described.Description, described.OrderingKey, described.Subject = "About c.", "customer.id", "id"
	steps := []struct {
		schemas []store.NewSchema
		want    string
	}{
		{[]store.NewSchema{schemaOf("a", "1"), schemaOf("b", "1")}, "a 1:a:1, b 1:b:1"},
		{[]store.NewSchema{schemaOf("a", "2"), schemaOf("b", "1")}, "a 1:a:1 2:a:2, b 1:b:1"},
		{[]store.NewSchema{schemaOf("a", "1")}, "a 1:a:1 2:a:2 3:a:1, b 1:b:1"},
		{[]store.NewSchema{{Type: "b", Message: "other", Files: []byte("1"), Hash: sha256.Sum256([]byte("1"))}}, "a 1:a:1 2:a:2 3:a:1, b 1:b:1 2:other:1"},
		{[]store.NewSchema{described}, "a 1:a:1 2:a:2 3:a:1, b 1:b:1 2:other:1, c 1:c:1"},
	}
	for i, step := range steps {
		w.register(step.schemas...)
		equal(t, "versions", versions(w.Registry()), step.want)
		equal(t, "revision", w.RegistryRevision(), int64(i+1))
	}
	before := w.Registry()
	w.restart()
	equal(t, "versions after a restart", versions(w.Registry()), steps[len(steps)-1].want)
	for name, want := range before.Types {
		got := w.Registry().Types[name]
		equal(t, name, got.EventType, want.EventType)
		for i := range want.Versions {
			equal(t, name, *got.Versions[i], *want.Versions[i])
		}
	}
	c := w.Registry().Types["c"]
	equal(t, "paths", c.Latest().OrderingKey+" "+c.Latest().Subject+" "+c.Description, "customer.id id About c.")
}

func testTwoVersionsAtOnce(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.register(schemaOf("a", "1"), schemaOf("a", "2"))
	equal(t, "versions", versions(w.Registry()), "a 1:a:1 2:a:2")
	w.restart()
	equal(t, "versions", versions(w.Registry()), "a 1:a:1 2:a:2")
}

func testManyTypes(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	many := make([]store.NewSchema, 1201)
	for i := range many {
		many[i] = schemaOf(fmt.Sprintf("type%04d", i), fmt.Sprint("files ", i))
	}
	w.register(many...)
	first := versions(w.Registry())
	w.restart()
	equal(t, "versions", versions(w.Registry()), first)
	equal(t, "types", len(w.Registry().Types), len(many))
	equal(t, "one type", string(w.Registry().Types["type1200"].Latest().Files), "files 1200")
}

func testRegisterTooLate(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.register(schemaOf("a", "1"))
	seen := w.RegistryRevision()
	w.register(schemaOf("a", "2"))
	late := []store.NewSchema{schemaOf("a", "3")}
	if err := w.RegisterSchemas(context.Background(), seen, store.NewTypes{Level: gateway.LevelEnforce}, late); !errors.Is(err, store.ErrRegistryChanged) {
		t.Errorf("error = %v", err)
	}
	equal(t, "versions", versions(w.Registry()), "a 1:a:1 2:a:2")
	if err := w.RegisterSchemas(context.Background(), w.RegistryRevision(), store.NewTypes{Level: gateway.LevelEnforce}, late); err != nil {
		t.Error(err)
	}
}

func testRegisterCancelled(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.RegisterSchemas(gone, 0, store.NewTypes{Level: gateway.LevelEnforce}, []store.NewSchema{schemaOf("a", "1")}); err == nil {
		t.Fatal("no error")
	}
	w.start()
	equal(t, "head", w.publish(w.event("evt"))[0].Position, 1)
	equal(t, "versions and revision", fmt.Sprint(versions(w.Registry()), w.RegistryRevision()), "0")
}
