// Package limit bounds what callers may cost: the memory of what they send, how often they may do what is expensive, and
// how much is logged of what is refused. Every bound holds for one caller and for all of them together.
package limit
