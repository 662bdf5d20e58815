package describe

import (
	"cmp"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// wordsOf describes a rule with a value. unit is the unit of lengths.
func wordsOf(name protoreflect.Name, value, unit string) string {
	switch name {
	case "const":
		return "always " + value
	case "in":
		return "one of " + value
	case "not_in":
		return "none of " + value
	case "example":
		return "for example " + value
	case "lt":
		return "less than " + value
	case "lte":
		return "at most " + value
	case "gt":
		return "more than " + value
	case "gte":
		return "at least " + value
	case "within":
		return "within " + value + " of now"
	case "pattern":
		return "matches " + value
	case "prefix":
		return "begins with " + value
	case "suffix":
		return "ends with " + value
	case "contains":
		return "contains " + value
	case "not_contains":
		return "does not contain " + value
	case "well_known_regex":
		return "a valid " + map[string]string{
			"KNOWN_REGEX_HTTP_HEADER_NAME": "name of an HTTP header", "KNOWN_REGEX_HTTP_HEADER_VALUE": "value of an HTTP header",
		}[value]
	default:
		return lengthWords(name, value, unit)
	}
}

func lengthWords(name protoreflect.Name, value, unit string) string {
	switch name {
	case "len":
		return "exactly " + counted(value, unit)
	case "min_len", "min_items", "min_pairs":
		return "at least " + counted(value, unit)
	case "max_len", "max_items", "max_pairs":
		return "at most " + counted(value, unit)
	case "len_bytes":
		return "exactly " + counted(value, "byte")
	case "min_bytes":
		return "at least " + counted(value, "byte")
	case "max_bytes":
		return "at most " + counted(value, "byte")
	default:
		return ""
	}
}

func counted(number, unit string) string {
	switch {
	case number == "1":
		return "1 " + unit
	case unit == "entry":
		return number + " entries"
	default:
		return number + " " + unit + "s"
	}
}

// formatWords describes a rule that is either on or off.
func formatWords(name protoreflect.Name) string {
	words := map[protoreflect.Name]string{
		"finite": "neither infinite nor NaN", "unique": "no two alike", "defined_only": "a value that the enum declares",
		"lt_now": "in the past", "gt_now": "in the future",
		"email": "an email address", "hostname": "a host name", "address": "a host name or an IP address",
		"host_and_port": "a host and a port", "uri": "a URI", "uri_ref": "a URI, absolute or relative",
		"ip": "an IP address", "ipv4": "an IPv4 address", "ipv6": "an IPv6 address",
		"ip_with_prefixlen": "an IP address with prefix length", "ipv4_with_prefixlen": "an IPv4 address with prefix length",
		"ipv6_with_prefixlen": "an IPv6 address with prefix length",
		"ip_prefix":           "an IP network", "ipv4_prefix": "an IPv4 network", "ipv6_prefix": "an IPv6 network",
		"uuid": "a UUID", "tuuid": "a UUID without dashes", "ulid": "a ULID",
		"protobuf_fqn": "a full name of Protobuf", "protobuf_dot_fqn": "a full name of Protobuf with a dot before it",
		"strict": "",
	}
	if text, known := words[name]; known {
		return text
	}
	return string(name)
}

func isBound(name protoreflect.Name) bool {
	return name == "lt" || name == "lte" || name == "gt" || name == "gte"
}

// bounds returns the rules for the lower and the upper bound of a value; either may be nil.
func bounds(rules protoreflect.Message) (lower, upper protoreflect.FieldDescriptor) {
	for _, field := range setFields(rules) {
		switch field.Name() {
		case "gt", "gte":
			lower = field
		case "lt", "lte":
			upper = field
		}
	}
	return lower, upper
}

// outside reports whether the bounds exclude the values between them, which they do when the lower bound is above the upper.
func outside(rules protoreflect.Message) bool {
	lower, upper := bounds(rules)
	return lower != nil && upper != nil && compareValues(rules.Get(upper), rules.Get(lower)) < 0
}

func outsideWords(rules protoreflect.Message) []string {
	if !outside(rules) {
		return nil
	}
	lower, upper := bounds(rules)
	return []string{
		wordsOf(upper.Name(), ruleValue(upper, rules.Get(upper), nil), "") + " or " +
			wordsOf(lower.Name(), ruleValue(lower, rules.Get(lower), nil), ""),
	}
}

// compareValues compares numbers, times or durations.
func compareValues(a, b protoreflect.Value) int {
	switch x := a.Interface().(type) {
	case int32:
		return cmp.Compare(int64(x), b.Int())
	case int64:
		return cmp.Compare(x, b.Int())
	case uint32:
		return cmp.Compare(uint64(x), b.Uint())
	case uint64:
		return cmp.Compare(x, b.Uint())
	case float32:
		return cmp.Compare(float64(x), b.Float())
	case float64:
		return cmp.Compare(x, b.Float())
	case protoreflect.Message:
		first, second := instant(x), instant(b.Message())
		return cmp.Or(cmp.Compare(first[0], second[0]), cmp.Compare(first[1], second[1]))
	default:
		return 0
	}
}

// instant returns the seconds and nanoseconds of a Timestamp or Duration.
func instant(message protoreflect.Message) [2]int64 {
	var read [2]int64
	for i, name := range []protoreflect.Name{"seconds", "nanos"} {
		if field := message.Descriptor().Fields().ByName(name); field != nil {
			read[i] = message.Get(field).Int()
		}
	}
	return read
}
