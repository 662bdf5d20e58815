package filter

import (
	"log/slog"
	"sync"
	"weak"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
)

// Compiler compiles expressions against the schemas of a registry and shares the programs. It is safe for concurrent use.
type Compiler struct {
	schemas  *schema.Registry
	language func() (*language, error)
	logger   *slog.Logger
	// turns limits evaluations, checks limits checks.
	turns, checks *turns

	mu sync.Mutex
	// expressions has the expressions in use, by text.
	expressions  map[string]weak.Pointer[Expression]
	environments map[versionKey]*environment

	recent subjects
}

// versionKey identifies the target of a compilation: a schema version, and the newest version of its type, which defines the
// fields that read as unset. The zero value is for untyped events.
type versionKey struct{ version, newest gateway.SchemaID }

// NewCompiler returns a compiler that types events by the versions in schemas.
func NewCompiler(schemas *schema.Registry) *Compiler {
	all := half()
	return &Compiler{
		schemas: schemas, language: sync.OnceValues(newLanguage), logger: slog.New(slog.DiscardHandler),
		turns: newTurns(all), checks: newTurns(all),
		expressions:  make(map[string]weak.Pointer[Expression]),
		environments: make(map[versionKey]*environment),
	}
}

// LogTo sets the logger for expressions that make CEL panic. Call it before the compiler is used; without it, nothing is
// logged.
func (c *Compiler) LogTo(logger *slog.Logger) { c.logger = logger }

// panicked logs only an expression's first panic, because every event may cause the same one.
func (c *Compiler) panicked(expression string) func(error) {
	var once sync.Once
	return func(fault error) {
		once.Do(func() { c.logger.Error("an expression panicked", "expression", shorten(expression), "error", fault) })
	}
}

// Expression returns the expression with this text, shared by all its users; nil, which selects everything, for an empty
// text. It compiles nothing yet. An expression that does not compile is returned too and selects nothing.
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

// forgetUnused removes the texts whose expressions nobody uses any more, a few at a time. The caller holds c.mu.
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

// Subject returns the Subject of an event. All callers at about the same time share it.
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

// versionOf returns the target of compilations for an event.
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

// environment returns the environment of a schema version, creating it on first use.
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
