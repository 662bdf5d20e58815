package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server"
)

func none(string) (string, bool) { return "", false }

func only(name, value string) func(string) (string, bool) {
	return func(asked string) (string, bool) { return value, asked == name }
}

// other is a value that each setting accepts and that is not its default.
var other = map[string]string{
	"POSTRIDER_LISTEN":            "127.0.0.1:9999",
	"POSTRIDER_DATA":              "./elsewhere",
	"POSTRIDER_ALLOW_TARGETS":     "10.0.0.0/8,::1/128",
	"POSTRIDER_TRUSTED_PROXIES":   "10.0.0.0/8,::1/128",
	"POSTRIDER_NATS_SERVERS":      "127.0.0.1,nats.example.com:4222",
	"POSTRIDER_SCHEMAS":           "config.go",
	"POSTRIDER_CORS_ORIGINS":      "https://a.example,https://b.example",
	"POSTRIDER_MAX_REQUEST_BYTES": "1048576",
	"POSTRIDER_MAX_STREAMS":       "100",
	"POSTRIDER_MEMORY":            "512",
	"POSTRIDER_LOG_LEVEL":         "warn",
	"POSTRIDER_LOG_FORMAT":        "json",
	"POSTRIDER_ADMIN_KEY":         "an-admin-key-of-some-length",
	"POSTRIDER_SECRET_KEY":        strings.Repeat("0f", 32),
}

func TestFlagsAndEnvironmentAgree(t *testing.T) {
	t.Parallel()
	defaults, err := server.ReadConfig(none, none)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(defaults), show(server.DefaultConfig()); got != want {
		t.Errorf("with nothing set: %s, want the defaults %s", got, want)
	}
	for _, setting := range server.Settings() {
		t.Run(setting.Env, func(t *testing.T) {
			t.Parallel()
			value, ok := other[setting.Env]
			if !ok {
				t.Fatal("has no value in this test")
			}
			byEnv, err := server.ReadConfig(none, only(setting.Env, value))
			if err != nil {
				t.Fatal(err)
			}
			if show(byEnv) == show(defaults) {
				t.Error("the environment variable changes nothing")
			}
			if setting.Flag == "" {
				return
			}
			if want := "POSTRIDER_" + strings.ToUpper(strings.ReplaceAll(setting.Flag, "-", "_")); setting.Env != want {
				t.Errorf("goes with flag --%s, so it should be called %s", setting.Flag, want)
			}
			byFlag, err := server.ReadConfig(only(setting.Flag, value), none)
			if err != nil {
				t.Fatal(err)
			}
			if show(byFlag) != show(byEnv) {
				t.Errorf("by flag %s, by environment %s", show(byFlag), show(byEnv))
			}
			back, err := server.ReadConfig(only(setting.Flag, setting.Default()), only(setting.Env, value))
			if err != nil {
				t.Fatal(err)
			}
			if show(back) != show(defaults) {
				t.Errorf("with the default as flag: %s, want the flag to win: %s", show(back), show(defaults))
			}
		})
	}
}

func TestFaultsAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"POSTRIDER_LISTEN":            "nowhere",
		"POSTRIDER_DATA":              "mysql://db",
		"POSTRIDER_ALLOW_TARGETS":     "10.0.0.0/8,localhost",
		"POSTRIDER_NATS_SERVERS":      "tls://nats.example.com:4222",
		"POSTRIDER_SCHEMAS":           "testdata/missing.binpb",
		"POSTRIDER_CORS_ORIGINS":      "example.com",
		"POSTRIDER_MAX_REQUEST_BYTES": "lots",
		"POSTRIDER_MAX_STREAMS":       "100",
		"POSTRIDER_LOG_LEVEL":         "loud",
		"POSTRIDER_LOG_FORMAT":        "xml",
	}
	_, err := server.ReadConfig(none, func(name string) (string, bool) { v, ok := bad[name]; return v, ok })
	if err == nil {
		t.Fatal("no error")
	}
	for _, fault := range []string{
		`--listen: "nowhere"`, "--data: is neither", `POSTRIDER_ALLOW_TARGETS: "localhost"`, `POSTRIDER_NATS_SERVERS: "tls://`, "--schemas: ",
		`--cors-origins: "example.com"`, `POSTRIDER_MAX_REQUEST_BYTES: "lots"`, "--log-level: ", "--log-format: ",
	} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("the error does not tell %q:\n%v", fault, err)
		}
	}
}

func TestPostgresNeedsItsKeysGiven(t *testing.T) {
	t.Parallel()
	_, err := server.ReadConfig(only("data", "postgres://localhost/postrider"), none)
	if err == nil || !strings.Contains(err.Error(), "POSTRIDER_SECRET_KEY") {
		t.Errorf("error %v, want one that names the keys", err)
	}
}

func show(c server.Config) string { return fmt.Sprintf("%+v", c) }
