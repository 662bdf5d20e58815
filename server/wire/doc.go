// Package wire maps domain types to the messages of postrider.v1 and back, errors to codes, and JSON to messages. There is no other
// such mapping.
//
// A server of these services needs three parts of it:
//   - Codecs read and write messages.
//   - Errors is the outermost interceptor. It converts errors to what clients see.
//   - Requests is an interceptor after authentication. It refuses requests that could not be parsed or that break a rule. Without it, a
//     request that could not be parsed looks like an empty one.
package wire
