package filter

import (
	"log/slog"
	"sync"
	"weak"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
)

// Compiler compiles expressions against the schemas of a registry and shares what it has compiled. It is safe for
// concurrent use.
type Compiler struct {
	schemas  *schema.Registry
	language func() (*language, error)
	logger   *slog.Logger
	// turns are those of evaluations, checks those of checks.
	turns, checks *turns

	mu sync.Mutex
	// expressions are those in use, by their text.
	expressions  map[string]weak.Pointer[Expression]
	environments map[versionKey]*environment

	recent subjects
}

// versionKey names what an expression is compiled for: a schema version, and the newest one of its type, which says what
// fields are known to be unset. The zero value is for untyped events.
type versionKey struct{ version, newest gateway.SchemaID }

// NewCompiler makes a compiler that types events by the versions in schemas.
func NewCompiler(schemas *schema.Registry) *Compiler {
	all := half()
	return &Compiler{
		schemas: schemas, language: sync.OnceValues(newLanguage), logger: slog.New(slog.DiscardHandler),
		turns: newTurns(all), checks: newTurns(all),
		expressions:  make(map[string]weak.Pointer[Expression]),
		environments: make(map[versionKey]*environment),
	}
}

// LogTo says where expressions are logged that make CEL panic; nowhere unless called, before the compiler is used.
func (c *Compiler) LogTo(logger *slog.Logger) { c.logger = logger }

// panicked logs an expression's first panic: it may be the same with every event.
func (c *Compiler) panicked(expression string) func(error) {
	var once sync.Once
	return func(fault error) {
		once.Do(func() { c.logger.Error("an expression panicked", "expression", shorten(expression), "error", fault) })
	}
}

// Expression returns the expression of this text, the same one for all who use it; nil, which selects everything, for
// none. Nothing is compiled yet, and one that does not compile is answered too: it selects nothing.
func (c *Compiler) Expression(text string) *Expression {
	if text == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if shared := c.expressions[text].Value(); shared != nil {
		return shared
	}
	c.forgetUnused()
	fresh := &Expression{compiler: c, text: text}
	c.expressions[text] = weak.Make(fresh)
	return fresh
}

// forgetUnused drops the texts whose expressions nobody has any more, a few at a time. c.mu is held.
func (c *Compiler) forgetUnused() {
	looked := 0
	for text, shared := range c.expressions {
		if shared.Value() == nil {
			delete(c.expressions, text)
		}
		if looked++; looked == 8 {
			return
		}
	}
}

// Subject returns an event to be looked at, the same one for all who ask at about the same time.
func (c *Compiler) Subject(event *gateway.Event) *Subject {
	if kept := c.recent.find(event); kept != nil {
		return kept
	}
	fresh := &Subject{event: event, version: c.schemas.Snapshot().Version(event.Schema)}
	if event.Position > 0 {
		c.recent.keep(fresh)
	}
	return fresh
}

// versionOf returns what an event's expression is compiled for.
func (c *Compiler) versionOf(event *gateway.Event) (key versionKey, version, newest *schema.Type) {
	if event.Schema == 0 {
		return versionKey{}, nil, nil
	}
	snapshot := c.schemas.Snapshot()
	version = snapshot.Version(event.Schema)
	if version == nil {
		return versionKey{version: event.Schema}, nil, nil
	}
	if newest = snapshot.Type(version.Name()); newest == nil {
		newest = version
	}
	return versionKey{version.ID(), newest.ID()}, version, newest
}

// environment returns the environment of a schema version, made on first use.
func (c *Compiler) environment(key versionKey, version, newest *schema.Type) (*environment, error) {
	c.mu.Lock()
	known := c.environments[key]
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	shared, err := c.language()
	if err != nil {
		return nil, err
	}
	fresh, err := shared.environment(version, newest)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.environments {
		if other.version == key.version && other.newest != key.newest {
			delete(c.environments, other)
		}
	}
	c.environments[key] = fresh
	return fresh, nil
}
