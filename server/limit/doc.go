// Package limit bounds what callers may cost: the memory of their requests, the rate of expensive calls, and the log lines
// for refused ones. Every bound applies to each caller and to all callers together.
package limit
