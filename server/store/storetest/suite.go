// Package storetest is the test suite that every dialect of the store must pass. It uses only the store's public API.
package storetest

import (
	"testing"

	"github.com/postrider-dev/postrider/server/store"
)

// Fresh makes an empty database, which goes with the test, and returns the Config to open it with.
type Fresh func(t *testing.T) store.Config

// Run runs the whole suite.
func Run(t *testing.T, fresh Fresh) {
	runGroups(t, fresh, []group{
		{"Append", appendCases},
		{"Queue", queueCases},
		{"Identity", identityCases},
		{"Cursor", cursorCases},
		{"Matching", matchingCases},
		{"Read", readCases},
		{"Result", resultCases},
		{"Delivery", deliveryCases},
		{"Subscription", subscriptionCases},
		{"Removal", removalCases},
		{"Key", keyCases},
		{"Quota", quotaCases},
		{"EndedSession", endedSessionCases},
		{"Schema", schemaCases},
		{"EventType", eventTypeCases},
		{"Tenant", tenantCases},
		{"Stats", statsCases},
	})
}

// RunReads runs what depends on how the database compares text.
func RunReads(t *testing.T, fresh Fresh) {
	runGroups(t, fresh, []group{{"Matching", matchingCases}})
}

type group struct {
	name  string
	cases []testCase
}

func runGroups(t *testing.T, fresh Fresh, groups []group) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, fresh)
				})
			}
		})
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, fresh Fresh)
}
