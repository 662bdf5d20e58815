package register

import (
	"context"
	"fmt"
	"slices"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/store"
)

// comparison compares schemas with one revision of the registry.
type comparison struct {
	*Registrar
	registry *store.Registry
	snapshot *schema.Snapshot
	// candidates are the schemas that are to be registered.
	candidates schema.Candidates
	// filtered are the subscriptions whose filter has an expression; they are read once.
	filtered []*gateway.Subscription
	read     bool
}

// compare returns the report of a registration, and the versions that it would store.
func (c *comparison) compare(ctx context.Context, types []compile.EventType) (compat.Report, []store.NewSchema, error) {
	var report compat.Report
	var fresh []store.NewSchema
	for _, n := range types {
		one, err := c.compareType(ctx, n)
		if err != nil {
			return report, nil, &TypeError{Type: n.Type, Cause: err}
		}
		report.Types = append(report.Types, one)
		if one.Change != compat.TypeUnchanged {
			fresh = append(fresh, store.NewSchema{
				Type: n.Type, Message: n.Message, Files: n.Files, Hash: n.Hash,
				Description: n.Description, OrderingKey: n.OrderingKey, Subject: n.Subject,
			})
		}
	}
	return report, fresh, nil
}

func (c *comparison) compareType(ctx context.Context, n compile.EventType) (report compat.TypeReport, err error) {
	defer compile.Recover(&err, "judge its schema")
	report = compat.TypeReport{Type: n.Type, Message: n.Message, Change: compat.TypeUnchanged}
	known := c.registry.Types[n.Type]
	if known != nil && known.Latest().Hash == n.Hash && known.Message == n.Message {
		report.Version = known.LatestVersion
		return report, nil
	}
	if known == nil {
		report.Change, report.Version = compat.TypeNew, 1
		return report, c.checkNew(ctx, &report, n)
	}
	candidate, err := c.candidates.Type(n)
	if err != nil {
		return report, err
	}
	latest := c.snapshot.Type(n.Type)
	difference, err := compat.Compare(latest, candidate)
	if err != nil {
		return report, err
	}
	report.Incompatibilities, report.Changes = difference.Incompatibilities, difference.Changes
	report.Version = known.LatestVersion
	if same, err := identical(latest, candidate); err != nil || same {
		return report, err // Something else in its files differs.
	}
	report.Change, report.Version = compat.TypeNewVersion, known.LatestVersion+1
	if err := c.sample(ctx, &report, latest, candidate); err != nil {
		return report, err
	}
	return report, c.checkFilters(ctx, &report, latest, candidate)
}

// identical reports whether two versions validate and show payloads in the same way.
func identical(latest, candidate *schema.Type) (bool, error) {
	was, err := latest.Identity()
	if err != nil {
		return false, err
	}
	is, err := candidate.Identity()
	return was == is, err
}

// sample checks the newest stored events against the new rules, as many as the limits allow.
func (c *comparison) sample(ctx context.Context, report *compat.TypeReport, latest, candidate *schema.Type) error {
	rules := compat.NewStrictness(latest, candidate)
	bytes := 0
	for event, err := range c.Store.EventsOfType(ctx, report.Type, sampleEvents) {
		if err != nil {
			return err
		}
		if bytes += len(event.Data); bytes > sampleBytes && rules.Sampled() > 0 {
			break
		}
		if err := rules.Add(event); err != nil {
			return err
		}
	}
	report.Sampled = rules.Sampled()
	broken, err := rules.Incompatibilities()
	report.Incompatibilities = append(report.Incompatibilities, broken...)
	return err
}

// checkNew reports the subscriptions whose filter does not compile for a new type. The type is compiled only if there is such
// a filter, because compiling is most of the work.
func (c *comparison) checkNew(ctx context.Context, report *compat.TypeReport, n compile.EventType) error {
	if err := c.readSubscriptions(ctx); err != nil {
		return err
	}
	selects := func(sub *gateway.Subscription) bool { return sub.Filter.Match(n.Type) }
	if !slices.ContainsFunc(c.filtered, selects) {
		return nil
	}
	candidate, err := c.candidates.Type(n)
	if err != nil {
		return err
	}
	return c.checkFilters(ctx, report, nil, candidate)
}

// checkFilters reports the subscriptions whose expression compiles now and would no longer compile. A new type that matches a
// wide pattern breaks nobody. It is reported all the same, because its events will never be selected.
func (c *comparison) checkFilters(ctx context.Context, report *compat.TypeReport, latest, candidate *schema.Type) error {
	if err := c.readSubscriptions(ctx); err != nil {
		return err
	}
	for _, sub := range c.filtered {
		if !sub.Filter.Match(report.Type) {
			continue
		}
		problems, err := c.newProblems(ctx, sub.Filter.Expression, latest, candidate)
		if err != nil {
			return err
		}
		if len(problems) == 0 {
			continue
		}
		affected, err := c.affected(ctx, sub, problems)
		if err != nil {
			return err
		}
		report.Subscriptions = append(report.Subscriptions, affected)
		if latest == nil && !slices.Contains(sub.Filter.Types, report.Type) {
			continue
		}
		report.Incompatibilities = append(report.Incompatibilities, compat.Incompatibility{
			Element: report.Type, Rule: compat.RuleFilter,
			Message: fmt.Sprintf("the filter of subscription %q (tenant %s) no longer compiles: %s", sub.Name, affected.Tenant, affected.Reason),
		})
	}
	return nil
}

// newProblems returns the problems of an expression with a candidate; none if it has problems with the latest version, too.
// Registrations belong to no tenant.
func (c *comparison) newProblems(ctx context.Context, expression string, latest, candidate *schema.Type) ([]filter.Problem, error) {
	problems, err := c.Filters.CheckType(ctx, 0, expression, candidate)
	if err != nil || len(problems) == 0 || latest == nil {
		return problems, err
	}
	if before, err := c.Filters.CheckType(ctx, 0, expression, latest); err != nil || len(before) > 0 {
		return nil, err
	}
	return problems, nil
}

func (c *comparison) affected(
	ctx context.Context, sub *gateway.Subscription, problems []filter.Problem,
) (compat.AffectedSubscription, error) {
	tenant, err := c.Store.Tenant(ctx, sub.Tenant)
	if err != nil {
		return compat.AffectedSubscription{}, err
	}
	return compat.AffectedSubscription{ID: sub.UID, Tenant: tenant.Name, Name: sub.Name, Reason: problems[0].String()}, nil
}

func (c *comparison) readSubscriptions(ctx context.Context) error {
	if c.read {
		return nil
	}
	subs, err := c.Store.Subscriptions(ctx)
	if err != nil {
		return err
	}
	c.filtered = slices.DeleteFunc(subs, func(s *gateway.Subscription) bool { return s.Filter.Expression == "" })
	c.read = true
	return nil
}
