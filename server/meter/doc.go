// Package meter bounds what the evaluation of CEL expressions may take, no matter who wrote them: the filters of subscriptions
// and streams, and the rules of users' schemas.
//
// A Meter has a budget for one event. Every call that looks at much or makes much is charged before it is made
// (prices.go), every loop with every step (loop.go), and what goes over the budget ends the evaluation. So memory is bounded
// as well: a text is charged by its length before it is there.
//
// It works on any environment: Rates.Meter declares its loops anew and puts the prices before its calls. Rates.Find says where
// an evaluation finds its Meter.
package meter
