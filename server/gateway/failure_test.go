package gateway_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestFailingAfterAnAttempt(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 31, 14, 2, 0, 0, time.UTC)
	now := began.Add(time.Minute)
	refused := gateway.Failure{Kind: gateway.FailureRefused, Status: 400, Error: "first", Time: began}
	failing := gateway.Failing{Since: began, Last: refused}
	outcome := func(kind gateway.OutcomeKind, status int, cause gateway.FailureKind) gateway.Outcome {
		return gateway.Outcome{Kind: kind, Status: status, Cause: cause, Error: "text"}
	}
	since := func(at time.Time, kind gateway.FailureKind, status int) gateway.Failing {
		return gateway.Failing{Since: at, Last: gateway.Failure{Kind: kind, Status: status, Error: "text", Time: now}}
	}
	none := gateway.Failing{}
	for name, test := range map[string]struct {
		before  gateway.Failing
		outcome gateway.Outcome
		after   gateway.Failing
		stored  bool
	}{
		"the first failure":          {none, outcome(gateway.OutcomeEventFailure, 400, 0), since(now, gateway.FailureRefused, 400), true},
		"one of the same kind":       {failing, outcome(gateway.OutcomeEventFailure, 400, 0), since(began, gateway.FailureRefused, 400), false},
		"one with another status":    {failing, outcome(gateway.OutcomeEventFailure, 404, 0), since(began, gateway.FailureRefused, 404), true},
		"the endpoint's own error":   {none, outcome(gateway.OutcomeEndpointFailure, 503, 0), since(now, gateway.FailureServer, 503), true},
		"no response":                {failing, outcome(gateway.OutcomeEndpointFailure, 0, gateway.FailureDNS), since(began, gateway.FailureDNS, 0), true},
		"no response, cause unknown": {none, outcome(gateway.OutcomeEndpointFailure, 0, 0), since(now, gateway.FailureOther, 0), true},
		"gone":                       {none, outcome(gateway.OutcomeGone, 410, 0), since(now, gateway.FailureGone, 410), true},
		"slow down while failing":    {failing, outcome(gateway.OutcomeSlowDown, 429, 0), failing, false},
		"slow down":                  {none, outcome(gateway.OutcomeSlowDown, 429, 0), none, false},
		"the first success":          {failing, outcome(gateway.OutcomeDelivered, 200, 0), none, true},
		"another success":            {none, outcome(gateway.OutcomeDelivered, 200, 0), none, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, stored := test.before.After(&test.outcome, now)
			if after != test.after || stored != test.stored {
				t.Errorf("got %+v, stored %t, want %+v, stored %t", after, stored, test.after, test.stored)
			}
		})
	}
}
