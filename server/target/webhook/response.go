package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// classify returns the outcome that an HTTP status stands for. hasRetryAfter reports whether the response had a valid
// Retry-After header.
func classify(status int, hasRetryAfter bool) gateway.OutcomeKind {
	switch {
	case status >= 200 && status < 300:
		return gateway.OutcomeDelivered
	case status == 410:
		return gateway.OutcomeGone
	case status == 429, status == 503 && hasRetryAfter:
		return gateway.OutcomeSlowDown
	case status == 408, status >= 500, status < 200:
		return gateway.OutcomeEndpointFailure
	default:
		return gateway.OutcomeEventFailure
	}
}

// retryAfter parses the Retry-After header: seconds or a date (RFC 9110, section 10.2.3). A time in the past, zero and
// anything else count as absent.
func retryAfter(header http.Header, now time.Time) (asked time.Duration, ok bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(gateway.MaxRetryAfter/time.Second) {
			return gateway.MaxRetryAfter, true
		}
		return time.Duration(seconds) * time.Second, seconds > 0
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	// The date is by the endpoint's clock, and so is the Date of the response. Our clock may differ.
	if sent, err := http.ParseTime(header.Get("Date")); err == nil {
		now = sent
	}
	return max(date.Sub(now), 0), date.After(now)
}

// maxContentTypeBytes bounds the part of the response's content type that is kept.
const maxContentTypeBytes = 128

// contentType returns the header as printable ASCII of bounded length, because it is stored as text.
func contentType(header http.Header) string {
	text := header.Get("Content-Type")
	if len(text) > maxContentTypeBytes {
		text = text[:maxContentTypeBytes]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
