package gateway

import (
	"regexp"
	"strings"
	"time"
)

// timeForm checks what time.Parse does not: two digits for the hour, a point before the fraction of at most nine digits, and
// an offset within a day.
var timeForm = regexp.MustCompile(
	`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// ParseTime parses an RFC 3339 time of the years 1 to 9999 with at most nine digits of a second; ok is false for any other
// text. "T" and "Z" may be lower case. All times from callers are parsed with it.
func ParseTime(text string) (at time.Time, ok bool) {
	if !timeForm.MatchString(text) {
		return at, false
	}
	at, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	if err != nil {
		return time.Time{}, false
	}
	at = at.UTC()
	return at, at.Year() >= 1 && at.Year() <= 9999
}
