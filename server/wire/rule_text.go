package wire

import "buf.build/go/protovalidate"

// The rules for which we have texts of our own.
const (
	patternRule   = "string.pattern"
	minLengthRule = "string.min_len"
)

// patternTexts describes each pattern of the contract for people who do not read regular expressions.
var patternTexts = map[string]string{
	`^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$`: "must be 1 to 100 of a-z, A-Z, 0-9, space, . _ and -, and begin with a letter or digit",
	`^[a-z0-9][a-z0-9-]{0,62}$`:          "must be 1 to 63 of a-z, 0-9 and -, and begin with a letter or digit",
	`^[A-Za-z0-9_:-]{1,64}$`:             "must be 1 to 64 of a-z, A-Z, 0-9, _ : and -",
	`^[A-Za-z0-9_.:-]{1,64}$`:            "must be 1 to 64 of a-z, A-Z, 0-9, _ . : and -",
	"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$":      "must be the name of a header: a-z, A-Z, 0-9 and ! # $ % & ' * + . ^ _ ` | ~ -",
	`^[^\x00-\x08\x0a-\x1f\x7f]*$`:       "must not hold line breaks or other control characters but tabs",
	`^(nats|tls)://[^/?#@]+$`:            `must be "tls://host:port" or "nats://host:port", without a user or a path`,
	`^[^\s*>.]+(\.[^\s*>.]+)*$`:          "must be a subject: words without spaces and wildcards, separated by dots",
	`^[^\s.*>/\\]*$`:                     `must be the name of a stream, without spaces, wildcards, "." and slashes`,
	`^whsec_[A-Za-z0-9+/]+=*$`:           `must be "whsec_" and base64`,
	`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`: "must be an event type, such as \"order.created\": " +
		"segments of a-z, A-Z, 0-9, _ and -, separated by dots",
	`^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$`: `must be an event type, a prefix such as "order.*", or "*"`,
}

// ruleText describes what a value must be. Most rules have a text themselves.
func ruleText(violation *protovalidate.Violation) string {
	text := ""
	switch violation.Proto.GetRuleId() {
	case patternRule:
		text = patternTexts[violation.RuleValue.String()]
	case minLengthRule:
		if violation.RuleValue.Uint() == 1 {
			text = "must not be empty"
		}
	}
	if text == "" {
		return violation.Proto.GetMessage()
	}
	return text
}
