package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider-dev/postrider/server"
)

const (
	urlVariable     = "POSTRIDER_URL"
	keyVariable     = "POSTRIDER_API_KEY"
	contextVariable = "POSTRIDER_CONTEXT"
)

// errNoKey means that no API key was given or found.
var errNoKey = errors.New("there is no API key")

// place is a server and the key that is shown to it, and where both came from.
type place struct {
	server, serverFrom string
	key, keyFrom       string
	// tenant is the tenant's name, empty for the key's own.
	tenant string
}

// String names the server and where its address came from, for errors.
func (p place) String() string { return p.server + " (" + p.serverFrom + ")" }

// connection is where the server is, as flags, environment and contexts say.
type connection struct {
	env                                environment
	server, data, tenant, savedContext string
}

// addFlags adds the flags that every client command has.
func (c *connection) addFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.Var(placeholder(&c.server, "URL"), "server", "the server (default $"+urlVariable+", the current context, or "+defaultServer()+")")
	flags.Var(placeholder(&c.savedContext, "NAME"), "context", `use a server and key stored by "postrider login" (default $`+contextVariable+", or the current one)")
	flags.Var(placeholder(&c.data, "FOLDER"), "data", "the server's data folder, whose admin key is used if no other key is given")
	flags.Var(placeholder(&c.tenant, "NAME"), "tenant", "the tenant (default the context's, or the key's own)")
}

func defaultServer() string { return "http://" + server.DefaultConfig().Listen }

// find returns the server and the key. If there is no key, the error is errNoKey, and the rest is there.
//
// A flag precedes the environment, which precedes the current context. The key of a context is shown to the server of that
// context alone, whatever else names the server.
func (c *connection) find() (place, error) {
	if c.server != "" && c.savedContext != "" {
		return place{}, wrongUsage("give either --server or --context")
	}
	p := place{tenant: c.tenant}
	switch {
	case c.server != "":
		p.server, p.serverFrom = c.server, "from --server"
	case c.savedContext == "" && c.variable(urlVariable) != "":
		p.server, p.serverFrom = c.variable(urlVariable), "from "+urlVariable
	}
	if c.savedContext == "" {
		p.key, p.keyFrom = c.variable(keyVariable), keyVariable
	}
	// A key in the environment is not for a server that only the current context names.
	chosen := c.savedContext != "" || c.variable(contextVariable) != ""
	var err error
	if p.key == "" || p.server == "" && chosen {
		if p, err = c.fromContext(p); err != nil {
			return place{}, err
		}
	}
	if p.server == "" {
		p.server, p.serverFrom = defaultServer(), "the default; --server or "+urlVariable+" sets another"
	}
	address, err := parseServer(p.server)
	if err != nil {
		return place{}, wrongUsage("%w; the address is %s", err, p.serverFrom)
	}
	p.server = strings.TrimSuffix(address.String(), "/")
	if p.key == "" {
		p.key, p.keyFrom, err = c.adminKey(address)
	}
	return p, err
}

// fromContext completes a place by the chosen context: its server where none is given, and its key for its own server.
func (c *connection) fromContext(p place) (place, error) {
	name, from := c.savedContext, "--context"
	if name == "" {
		name, from = c.variable(contextVariable), contextVariable
	}
	if name == "" && p.server == "" && c.data != "" {
		return p, nil // --data names a server of this machine.
	}
	saved, err := c.env.readContexts()
	if err != nil {
		return p, err
	}
	if name == "" {
		name, from = saved.Current, "current"
	}
	if name == "" {
		return p, nil
	}
	found, known := saved.Contexts[name]
	if !known {
		return p, wrongUsage("%s: %w", from, saved.unknown(name))
	}
	if p.server == "" {
		p.server, p.serverFrom = found.Server, fmt.Sprintf("from context %q", name)
	}
	if strings.TrimSuffix(p.server, "/") != found.Server {
		return p, nil
	}
	p.tenant = firstOf(p.tenant, found.Tenant)
	if p.key == "" {
		p.key, p.keyFrom = found.Key, fmt.Sprintf("context %q", name)
	}
	return p, nil
}

// adminKey returns the admin key on the server's own machine. It is never sent to another machine.
func (c *connection) adminKey(address *url.URL) (key, from string, err error) {
	if !isLocal(address.Hostname()) {
		return "", "", fmt.Errorf("%w for %s: log in with \"postrider login %s\", or set %s", errNoKey, address, address, keyVariable)
	}
	if key := c.variable("POSTRIDER_ADMIN_KEY"); key != "" {
		return key, "POSTRIDER_ADMIN_KEY", nil
	}
	path := filepath.Join(c.dataFolder(), "admin-key")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("%w for %s: log in with \"postrider login\", set %s, or give the server's data folder with --data (%s: %s)",
			errNoKey, address, keyVariable, path, plainReason(err))
	}
	return strings.TrimSpace(string(text)), path, nil
}

func (c *connection) dataFolder() string {
	return firstOf(c.data, c.variable("POSTRIDER_DATA"), server.DefaultConfig().Data)
}

func (c *connection) variable(name string) string {
	value, _ := c.env.lookup(name)
	return value
}

// parseServer reads the address of a server. Its error does not show a password in the address.
func parseServer(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		return nil, fmt.Errorf("the address has a login or another @; want a URL such as %s", defaultServer())
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https":
		return nil, fmt.Errorf("%q is not a URL such as %s", text, defaultServer())
	case address.RawQuery != "" || address.Fragment != "":
		return nil, fmt.Errorf("the address of %s has more than scheme, host, port and path", address.Host)
	}
	return address, nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
