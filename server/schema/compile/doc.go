// Package compile turns the schemas that users send into compiled files: .proto sources (source.go) become a descriptor set, and
// the event types are found in it (select.go). Each type is packed with the files that it needs (closure.go). Open rules.go and
// rulecost.go to see which rules are refused, rulemeter.go for what evaluating them may cost, and reach.go for what a payload of a
// type can hold.
package compile
