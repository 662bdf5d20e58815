package server

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/postrider-dev/postrider/server/egress"
)

// Setting is one thing to set: by flag, or by the environment variable that means the same.
type Setting struct {
	// Flag is empty for what must not show in a process list.
	Flag, Env string
	// Placeholder stands for the value in a help text.
	Placeholder, Usage string
	get                func(Config) string
	set                func(*Config, string) error
}

// Default is the value in force when nothing is set, as text.
func (s Setting) Default() string { return s.get(DefaultConfig()) }

// Settings lists everything one can set, in the order of the help.
func Settings() []Setting {
	return []Setting{
		text("listen", "HOST:PORT", "address to serve on", func(c *Config) *string { return &c.Listen }),
		text("data", "FOLDER|URL", "folder for SQLite and the generated keys, or a postgres:// URL", func(c *Config) *string { return &c.Data }),
		{
			Flag: "allow-targets", Env: "POSTRIDER_ALLOW_TARGETS", Placeholder: "CIDR,...",
			Usage: "address ranges targets may be in although they are not public, such as 127.0.0.0/8",
			get:   func(c Config) string { return joinPrefixes(c.AllowTargets) },
			set:   setAllowTargets,
		},
		text("schemas", "FILE", "FileDescriptorSet with the messages of typed events", func(c *Config) *string { return &c.Schemas }),
		{
			Flag: "cors-origins", Env: "POSTRIDER_CORS_ORIGINS", Placeholder: "ORIGIN,...",
			Usage: "origins whose web pages may call the API",
			get:   func(c Config) string { return strings.Join(c.CORSOrigins, ",") },
			set:   func(c *Config, value string) error { c.CORSOrigins = splitList(value); return nil },
		},
		number("max-request-bytes", "largest request", func(c *Config) *int { return &c.MaxRequestBytes }),
		number("max-streams", "most streams open at a time; one client gets at most a third of them", func(c *Config) *int { return &c.MaxStreams }),
		number("memory", "memory to use, in MB; 0 for GOMEMLIMIT, else three quarters of the container's (at most 1024), else 256", func(c *Config) *int { return &c.Memory }),
		text("log-level", "LEVEL", "debug, info, warn or error", func(c *Config) *string { return &c.LogLevel }),
		text("log-format", "FORMAT", "text or json", func(c *Config) *string { return &c.LogFormat }),
		secret("POSTRIDER_ADMIN_KEY", "key that may do everything, 16 to 256 characters; kept in <data>/admin-key otherwise", func(c *Config) *string { return &c.AdminKey }),
		secret("POSTRIDER_SECRET_KEY", "key that seals secrets in the database; kept in <data>/secret.key otherwise", func(c *Config) *string { return &c.SecretKey }),
	}
}

// ReadConfig puts a configuration together: a flag wins over its environment variable, and that over the default. Both
// look-ups say whether a value is set. The error names every fault, those of Validate included.
func ReadConfig(flag, env func(name string) (string, bool)) (Config, error) {
	config := DefaultConfig()
	noSync, ok := env(noSyncVariable)
	config.NoSync = ok && noSync == "1"
	var faults []error
	for _, setting := range Settings() {
		name, value, ok := setting.find(flag, env)
		if !ok {
			continue
		}
		if err := setting.set(&config, value); err != nil {
			faults = append(faults, errors.New(name+": "+err.Error()))
		}
	}
	return config, errors.Join(append(faults, config.Validate())...)
}

func (s Setting) find(flag, env func(string) (string, bool)) (name, value string, ok bool) {
	if s.Flag != "" {
		if value, ok = flag(s.Flag); ok {
			return "--" + s.Flag, value, true
		}
	}
	// An empty variable is one that is not set: that is how scripts pass on what they were not given.
	value, ok = env(s.Env)
	return s.Env, value, ok && value != ""
}

func text(flag, placeholder, usage string, field func(*Config) *string) Setting {
	return Setting{
		Flag: flag, Env: variable(flag),
		Placeholder: placeholder, Usage: usage,
		get: func(c Config) string { return *field(&c) },
		set: func(c *Config, value string) error { *field(c) = value; return nil },
	}
}

func number(flag, usage string, field func(*Config) *int) Setting {
	return Setting{
		Flag: flag, Env: variable(flag), Placeholder: "N", Usage: usage,
		get: func(c Config) string { return strconv.Itoa(*field(&c)) },
		set: func(c *Config, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil {
				return errors.New(strconv.Quote(value) + " is not a whole number")
			}
			*field(c) = n
			return nil
		},
	}
}

// variable is the environment variable that means the same as a flag.
func variable(flag string) string {
	return "POSTRIDER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func secret(env, usage string, field func(*Config) *string) Setting {
	setting := text("", "KEY", usage, field)
	setting.Env = env
	return setting
}

func setAllowTargets(c *Config, value string) error {
	prefixes, err := egress.ParseAllow(splitList(value))
	c.AllowTargets = prefixes
	return err
}

func splitList(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

func joinPrefixes(prefixes []netip.Prefix) string {
	texts := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		texts[i] = prefix.String()
	}
	return strings.Join(texts, ",")
}
