// Package meter bounds what the evaluation of CEL expressions may take, no matter who wrote them: the filters of subscriptions
// and streams, and the rules of users' schemas.
//
// A Meter has a budget for one event. Every call that looks at much or makes much is charged before it is made
// (prices.go), every loop with every step (loop.go), and what goes over the budget ends the evaluation. So memory is bounded
// as well: a text is charged by its length before it is there.
//
// It works on any environment: Options declares the loops anew, and ProgramOption puts the prices before the calls. Where
// an evaluation finds its Meter is the environment's to say.
package meter
