package server

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/postrider-dev/postrider/server/egress"
)

// Setting is a setting, with a flag and an environment variable of the same meaning.
type Setting struct {
	// Flag is empty for secrets, which must not appear in a process list.
	Flag, Env string
	// Placeholder represents the value in the help.
	Placeholder, Usage string
	get                func(Config) string
	set                func(*Config, string) error
}

// Default returns the default as text.
func (s Setting) Default() string { return s.get(DefaultConfig()) }

// Settings returns all settings in the order of the help.
func Settings() []Setting {
	return []Setting{
		text("listen", "HOST:PORT", "address to serve on", func(c *Config) *string { return &c.Listen }),
		text("data", "FOLDER|URL", "folder for SQLite and the generated keys, or a postgres:// URL", func(c *Config) *string { return &c.Data }),
		prefixes("allow-targets", "non-public address ranges that targets may use, such as 127.0.0.0/8", func(c *Config) *[]netip.Prefix { return &c.AllowTargets }),
		{
			Flag: "nats-servers", Env: "POSTRIDER_NATS_SERVERS", Placeholder: "HOST[:PORT],...",
			Usage: "NATS servers that subscriptions may publish to; none by default",
			get:   func(c Config) string { return strings.Join(c.NATSServers, ",") },
			set:   setNATSServers,
		},
		text("schemas", "FILE", "FileDescriptorSet whose messages are registered as event types", func(c *Config) *string { return &c.Schemas }),
		{
			Flag: "cors-origins", Env: "POSTRIDER_CORS_ORIGINS", Placeholder: "ORIGIN,...",
			Usage: "origins whose web pages may call the API",
			get:   func(c Config) string { return strings.Join(c.CORSOrigins, ",") },
			set:   func(c *Config, value string) error { c.CORSOrigins = splitList(value); return nil },
		},
		prefixes("trusted-proxies", "addresses of proxies whose X-Forwarded-For is believed; none by default", func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }),
		number("max-request-bytes", "maximum size of a request in bytes", func(c *Config) *int { return &c.MaxRequestBytes }),
		number("max-streams", "maximum number of open streams; one client gets at most a third of them", func(c *Config) *int { return &c.MaxStreams }),
		number("memory", "memory limit in MB; 0 means GOMEMLIMIT, or three quarters of the container's memory (at most 1024), or 256", func(c *Config) *int { return &c.Memory }),
		text("log-level", "LEVEL", "debug, info, warn or error", func(c *Config) *string { return &c.LogLevel }),
		text("log-format", "FORMAT", "text or json", func(c *Config) *string { return &c.LogFormat }),
		secret("POSTRIDER_ADMIN_KEY", "key with all permissions, 16 to 256 characters; default: the key in <data>/admin-key", func(c *Config) *string { return &c.AdminKey }),
		secret("POSTRIDER_SECRET_KEY", "key that seals secrets in the database: 32 random bytes as 64 hex digits or base64, several with commas, the newest first; default: the key in <data>/secret.key", func(c *Config) *string { return &c.SecretKey }),
	}
}

// ReadConfig returns the configuration from flags and environment variables. A flag takes precedence over its environment
// variable, and that over the default. Both look-ups report whether a value is set. The error has every fault, including
// those of Validate.
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
	// An empty variable counts as not set: scripts pass on variables that they did not get.
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

// prefixes is a list of address ranges and single addresses.
func prefixes(flag, usage string, field func(*Config) *[]netip.Prefix) Setting {
	return Setting{
		Flag: flag, Env: variable(flag), Placeholder: "CIDR,...", Usage: usage,
		get: func(c Config) string { return joinPrefixes(*field(&c)) },
		set: func(c *Config, value string) (err error) {
			*field(c), err = egress.ParseAllow(splitList(value))
			return err
		},
	}
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "POSTRIDER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func secret(env, usage string, field func(*Config) *string) Setting {
	setting := text("", "KEY", usage, field)
	setting.Env = env
	return setting
}

func setNATSServers(c *Config, value string) error {
	c.NATSServers = splitList(value)
	for _, one := range c.NATSServers {
		if strings.Contains(one, "/") {
			return errors.New(strconv.Quote(one) + " is not a host, or a host and a port")
		}
	}
	return nil
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
