package filter

import (
	"context"
	"iter"

	"github.com/postrider-dev/postrider/server/gateway"
)

// TakeCheck takes every turn for checks that there is, one of them for a tenant.
func (c *Compiler) TakeCheck(tenant gateway.TenantID) (giveBack func()) {
	one, err := c.checks.take(context.Background(), tenant)
	if err != nil {
		panic(err)
	}
	others := cap(c.checks.all) - 1
	for range others {
		c.checks.all <- struct{}{}
	}
	return func() {
		for range others {
			<-c.checks.all
		}
		one()
	}
}

// Functions are the names of the functions that an expression may call.
func Functions() (iter.Seq[string], error) {
	shared, err := newLanguage()
	if err != nil {
		return nil, err
	}
	return func(yield func(string) bool) {
		for name := range shared.env.Functions() {
			if !yield(name) {
				return
			}
		}
	}, nil
}
