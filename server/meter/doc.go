// Package meter bounds the time and memory of CEL evaluations: the filters of subscriptions and streams, and the rules of users'
// schemas.
//
// A Meter has a budget for one event. Each call is charged before it runs, by the size of its arguments and of its result
// (prices.go); each loop is charged per step (loop.go). An evaluation that exceeds the budget ends. Because a text is charged by its
// length before it is allocated, memory is bounded too.
//
// The package works with any CEL environment: Rates.Meter redeclares its loops and adds the prices to its calls, and Rates.Find
// specifies where an evaluation finds its Meter.
package meter
