// Package compile turns the schemas that users send into compiled files. .proto sources (source.go) become a descriptor set,
// in which the event types are found (select.go). Each type is packed with the files that it needs (closure.go). Open
// rules.go and rulecost.go to see which rules are refused, rulemeter.go for the limits of evaluating them, and reachable.go for
// what a payload of a type can hold.
package compile
