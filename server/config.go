package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/postrider-dev/postrider/server/telemetry"
)

// Bounds of Config.MaxRequestBytes.
const (
	minRequestBytes = 64 << 10
	maxRequestBytes = 256 << 20
)

// Bounds of Config.MaxStreams. With fewer, the shares of what is free leave nothing for some.
const (
	minStreams = 10
	maxStreams = 1_000_000
)

// Config is everything one can set. DefaultConfig has the defaults.
type Config struct {
	// Listen is the host and port to serve on; port 0 takes a free one.
	Listen string
	// Data is the folder of the SQLite database and the generated keys, or a postgres:// URL. With a URL the keys have to
	// be given, for they have no folder to be kept in.
	Data string
	// AllowTargets are the address ranges that targets may be in although they are not public.
	AllowTargets []netip.Prefix
	// NATSServers are the NATS servers that targets may use, as "host" or "host:port".
	NATSServers []string
	// Schemas is a file with a FileDescriptorSet; none when empty.
	Schemas string
	// CORSOrigins are the origins whose pages may call the API; none when empty.
	CORSOrigins []string
	// TrustedProxies are the addresses of the proxies in front of the server; the client's address in their X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// MaxRequestBytes bounds one request.
	MaxRequestBytes int
	// MaxStreams bounds how many streams are open at a time, of whatever kind; one client may have a part of them only.
	MaxStreams int
	// Memory is how much the server may use, in MB; 0 for what memory.go finds out.
	Memory int
	// LogLevel is debug, info, warn or error; LogFormat is text or json.
	LogLevel, LogFormat string

	// AdminKey is the key that may do everything; kept in <data>/admin-key when empty.
	AdminKey string
	// SecretKey seals secrets in the database; kept in <data>/secret.key when empty.
	SecretKey string

	// NoSync lets SQLite acknowledge what is not on disk. It has no setting, only a variable for the test that shows what a
	// power cut then costs.
	NoSync bool
}

// noSyncVariable is "1" where the power-cut test wants to see events get lost.
const noSyncVariable = "POSTRIDER_TEST_NO_SYNC"

// DefaultConfig is the configuration of a server that was told nothing.
func DefaultConfig() Config {
	return Config{
		Listen:          "127.0.0.1:8080",
		Data:            "./data",
		MaxRequestBytes: 16 << 20,
		MaxStreams:      20_000,
		LogLevel:        "info",
		LogFormat:       telemetry.FormatText,
	}
}

// OnPostgres reports whether the data is in PostgreSQL rather than in a folder.
func (c Config) OnPostgres() bool {
	return strings.HasPrefix(c.Data, "postgres://") || strings.HasPrefix(c.Data, "postgresql://")
}

// Validate returns every fault at once.
func (c Config) Validate() error {
	return errors.Join(
		validateListen(c.Listen),
		c.validateData(),
		validateSchemas(c.Schemas),
		validateOrigins(c.CORSOrigins),
		validateNumber("max-request-bytes", c.MaxRequestBytes, minRequestBytes, maxRequestBytes),
		validateNumber("max-streams", c.MaxStreams, minStreams, maxStreams),
		c.validateMemory(),
		c.validateLog(),
	)
}

func validateListen(listen string) error {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fault("listen", "%q is not host:port", listen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fault("listen", "port %q is not a number from 0 to 65535", port)
	}
	return nil
}

func (c Config) validateData() error {
	switch {
	case c.Data == "":
		return fault("data", "is empty; give a folder or a postgres:// URL")
	case c.OnPostgres() && (c.AdminKey == "" || c.SecretKey == ""):
		return fault("data", "with PostgreSQL, set POSTRIDER_ADMIN_KEY and POSTRIDER_SECRET_KEY: there is no data folder to keep them in")
	case !c.OnPostgres() && strings.Contains(c.Data, "://"):
		return fault("data", "is neither a folder nor a postgres:// URL")
	}
	return nil
}

func validateSchemas(file string) error {
	if file == "" {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return fault("schemas", "%v", err)
	}
	if info.IsDir() {
		return fault("schemas", "%s is a folder; give a file with a FileDescriptorSet", file)
	}
	return nil
}

func validateOrigins(origins []string) error {
	var faults []error
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "") {
			faults = append(faults, fault("cors-origins", "%q is not an origin such as https://app.example.com", origin))
		}
	}
	return errors.Join(faults...)
}

func validateNumber(flag string, n, least, most int) error {
	if n < least || n > most {
		return fault(flag, "%d is not within %d to %d", n, least, most)
	}
	return nil
}

func (c Config) validateLog() error {
	var faults []error
	if _, err := telemetry.ParseLevel(c.LogLevel); err != nil {
		faults = append(faults, fault("log-level", "%v", err))
	}
	if c.LogFormat != telemetry.FormatText && c.LogFormat != telemetry.FormatJSON {
		faults = append(faults, fault("log-format", "%q is neither text nor json", c.LogFormat))
	}
	return errors.Join(faults...)
}

// fault names the setting as its flag.
func fault(flag, format string, args ...any) error {
	return fmt.Errorf("--%s: "+format, append([]any{flag}, args...)...)
}

func (c Config) validateMemory() error {
	if c.Memory == 0 {
		return nil
	}
	return validateNumber("memory", c.Memory, minMemory, maxMemory)
}
