package describe

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// exampleTextBytes bounds the size of texts in an example.
const exampleTextBytes = 4096

// textExample returns a text that matches its rules. It is based on name where the rules allow any text.
func textExample(name string, rules protoreflect.Message, i int) string {
	if pattern, ok := ruleOf(rules, "pattern"); ok {
		return patternExample(pattern.String(), i)
	}
	if rules != nil {
		for _, field := range setFields(rules) {
			if text := formatExample(field.Name()); text != "" {
				return text
			}
		}
	}
	text := textRule(rules, "prefix") + textRule(rules, "contains") + numbered(strings.ReplaceAll(name, "_", " "), i) +
		textRule(rules, "suffix")
	return fitText(text, rules)
}

func textRule(rules protoreflect.Message, name protoreflect.Name) string {
	value, ok := ruleOf(rules, name)
	if !ok {
		return ""
	}
	if raw, isBytes := value.Interface().([]byte); isBytes {
		return string(raw)
	}
	return value.String()
}

// fitText gives a text the length that its rules require.
func fitText(text string, rules protoreflect.Message) string {
	number := func(name protoreflect.Name, otherwise uint64) int {
		if value, ok := ruleOf(rules, name); ok {
			return int(min(value.Uint(), exampleTextBytes))
		}
		return int(otherwise)
	}
	exact := max(number("len", 0), number("len_bytes", 0))
	least := max(exact, number("min_len", 0), number("min_bytes", 0))
	most := min(number("max_len", exampleTextBytes), number("max_bytes", exampleTextBytes))
	if exact > 0 {
		most = exact
	}
	if count := utf8.RuneCountInString(text); count < least {
		text += strings.Repeat("x", least-count)
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}

// formatExample returns a text of a well-known format, empty when the rule is not about a format.
func formatExample(rule protoreflect.Name) string {
	switch rule {
	case "email":
		return "jo@example.com"
	case "hostname", "address":
		return "www.example.com"
	case "host_and_port":
		return "www.example.com:443"
	case "uri", "uri_ref":
		return "https://www.example.com/"
	case "ip", "ipv4":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	case "ip_with_prefixlen", "ipv4_with_prefixlen":
		return "192.0.2.1/24"
	case "ipv6_with_prefixlen":
		return "2001:db8::1/64"
	case "ip_prefix", "ipv4_prefix":
		return "192.0.2.0/24"
	case "ipv6_prefix":
		return "2001:db8::/64"
	case "uuid":
		return "01890a5d-ac96-774b-bcce-b302099a8057"
	case "tuuid":
		return "01890a5dac96774bbcceb302099a8057"
	case "ulid":
		return "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	case "protobuf_fqn":
		return "shop.v1.Order"
	case "protobuf_dot_fqn":
		return ".shop.v1.Order"
	case "well_known_regex":
		return "x-example"
	default:
		return ""
	}
}

// patternExample returns a short text that matches a regular expression, empty when it found none.
func patternExample(pattern string, i int) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var text strings.Builder
	matchText(&text, parsed, i)
	return text.String()
}

// matchText writes a text that matches an expression; i varies the parts that can vary.
func matchText(text *strings.Builder, expression *syntax.Regexp, i int) {
	if text.Len() > exampleTextBytes {
		return
	}
	switch expression.Op {
	case syntax.OpLiteral:
		text.WriteString(string(expression.Rune))
	case syntax.OpCharClass:
		text.WriteRune(pick(expression.Rune, i))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		text.WriteRune('a' + rune(i%26))
	case syntax.OpCapture, syntax.OpPlus:
		matchText(text, expression.Sub[0], i)
	case syntax.OpConcat:
		for _, one := range expression.Sub {
			matchText(text, one, i)
		}
	case syntax.OpAlternate:
		matchText(text, expression.Sub[i%len(expression.Sub)], i)
	case syntax.OpRepeat:
		for range max(expression.Min, min(1, expression.Max)) {
			matchText(text, expression.Sub[0], i)
		}
	}
}

// pick returns a character of the ranges. It prefers letters and digits, which are easy to read.
func pick(ranges []rune, i int) rune {
	for _, wanted := range []struct{ first, last rune }{{'A', 'Z'}, {'a', 'z'}, {'0', '9'}} {
		for r := 0; r+1 < len(ranges); r += 2 {
			low, high := max(ranges[r], wanted.first), min(ranges[r+1], wanted.last)
			if low <= high {
				return low + rune(i)%(high-low+1)
			}
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
