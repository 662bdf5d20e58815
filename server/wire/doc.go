// Package wire maps domain types to the messages of postrider.v1 and back, errors to codes, and JSON to messages. There is no other
// such mapping.
//
// A server of these services needs three parts of it: the codecs (Codecs); the interceptor that converts errors to
// what clients see (Errors), which must be the outermost; and the interceptor that refuses requests that could not be parsed
// or break a rule (Requests), which comes after authentication. Without Requests, a request that could not be parsed looks like an
// empty one.
package wire
