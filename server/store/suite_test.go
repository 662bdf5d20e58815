package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, freshSQLite)
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	storetest.Run(t, freshPostgres(""))
}

// TestPostgresCollation reads from a database that does not compare text byte by byte, where prefixes are not a range of an
// index.
func TestPostgresCollation(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	storetest.RunReads(t, freshPostgres(" template template0 locale_provider icu icu_locale 'en'"))
}

func freshSQLite(t *testing.T) store.Config {
	return store.Config{Data: t.TempDir(), Keyring: keyring(t)}
}

func keyring(t testing.TB) *seal.Keyring {
	t.Helper()
	ring, err := seal.ParseKeyring("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

const postgresVariable = "POSTRIDER_TEST_POSTGRES"

// needPostgres skips a test without PostgreSQL, except in CI, where the test fails.
func needPostgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(postgresVariable)
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(postgresVariable + " is not set: CI may not skip the PostgreSQL dialect")
		}
		t.Skip("*** SKIPPED: the PostgreSQL dialect is not tested, " + postgresVariable + " is not set ***")
	}
	return server
}

// freshPostgres creates a database for each test, with these options, and drops it afterwards.
func freshPostgres(options string) storetest.Fresh {
	return func(t *testing.T) store.Config {
		t.Helper()
		return store.Config{Data: postgresDatabase(t, options), Keyring: keyring(t)}
	}
}

func postgresDatabase(t testing.TB, options string) (address string) {
	t.Helper()
	server := needPostgres(t)
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	name := "postrider_test_" + hex.EncodeToString(random[:])
	if _, err := admin.ExecContext(context.Background(), "create database "+name+options); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), fmt.Sprintf("drop database %s with (force)", name)); err != nil {
			t.Errorf("drop database: %v", err)
		}
		_ = admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
