// Package wire maps the domain to the messages of postrider.v1 and back, errors to codes, and JSON to messages. It is the
// only such mapping.
//
// A server of these services needs three things from here: the codecs (Codecs), the interceptor that turns errors into
// what clients see (Errors), as the outermost one, and behind authentication the one that refuses what could not be read
// or breaks a rule (Requests). Without the last, a request that could not be read looks like an empty one.
package wire
