package websocket_test

import (
	"fmt"
	"testing"
)

const (
	validGreek   = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
	validGerman  = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"
	invalidGreek = validGreek + "\xed\xa0\x80edited"
)

// sequences are the byte sequences of 6.5 to 6.23, by group; those that are not UTF-8 are marked.
var sequences = []struct {
	group   string
	invalid bool
	texts   []string
}{
	{"6.7 first of a length", false, []string{"\x00", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}},
	{"6.8 first of 5 and 6 bytes", true, []string{"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}},
	{"6.9 last of a length", false, []string{"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}},
	{"6.10 last of 4, 5 and 6 bytes", true, []string{"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"}},
	{"6.11 boundaries", false, []string{"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"}},
	{"6.11 beyond the last", true, []string{"\xf4\x90\x80\x80"}},
	{"6.12 continuation bytes alone", true, []string{
		"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf",
		allBytes(0x80, 0xbe),
	}},
	{"6.13 first bytes alone", true, []string{
		spaced(0xc0, 0xdf), spaced(0xe0, 0xef), spaced(0xf0, 0xf7), spaced(0xf8, 0xfb), spaced(0xfc, 0xfd),
	}},
	{"6.14 the last byte missing", true, incomplete},
	{"6.15 one after the other", true, []string{join(incomplete)}},
	{"6.16 impossible bytes", true, []string{"\xfe", "\xff", "\xfe\xfe\xff\xff"}},
	{"6.17 overlong ASCII", true, []string{
		"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf",
	}},
	{"6.18 longest overlong", true, []string{
		"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf",
	}},
	{"6.19 overlong NUL", true, []string{
		"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80",
	}},
	{"6.20 surrogates", true, []string{
		"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf",
	}},
	{"6.21 pairs of surrogates", true, []string{
		"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
		"\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf", "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf",
	}},
	{"6.22 non-characters", false, nonCharacters()},
	{"6.23 specials", false, []string{
		"\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb", "\xef\xbf\xbc", "\xef\xbf\xbd", "\xef\xbf\xbe", "\xef\xbf\xbf",
	}},
}

var incomplete = []string{
	"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
	"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf",
}

func allBytes(first, last int) string {
	var out []byte
	for b := first; b <= last; b++ {
		out = append(out, byte(b))
	}
	return string(out)
}

func spaced(first, last int) string {
	var out []byte
	for b := first; b <= last; b++ {
		out = append(out, byte(b), ' ')
	}
	return string(out)
}

func join(texts []string) string {
	var all string
	for _, one := range texts {
		all += one
	}
	return all
}

// nonCharacters are the last two code points of each of the 17 planes.
func nonCharacters() []string {
	var texts []string
	for plane := rune(0); plane <= 16; plane++ {
		texts = append(texts, string(plane<<16|0xfffe), string(plane<<16|0xffff))
	}
	return texts
}

// Group 6: text that is not UTF-8 fails the connection with 1007, however it is cut.
func TestAutobahn6Text(t *testing.T) {
	t.Parallel()
	open := func(op byte, payload string) frame { return frame{op: op, payload: payload, open: true} }
	last := func(payload string) frame { return frame{op: opContinuation, payload: payload} }
	cases := []protocolCase{
		{name: "6.1.1", send: []frame{text("")}, want: []frame{text("")}},
		{name: "6.1.2", send: []frame{open(opText, ""), open(0, ""), last("")}, want: []frame{text("")}},
		{name: "6.1.3", send: []frame{open(opText, ""), open(0, "middle frame payload"), last("")}, want: []frame{text("middle frame payload")}},
		{name: "6.2.1", send: []frame{text(validGerman)}, want: []frame{text(validGerman)}},
		{name: "6.2.2", send: fragments(opText, validGerman, 12), want: []frame{text(validGerman)}},
		{name: "6.2.3", send: fragments(opText, validGerman, 1), want: []frame{text(validGerman)}},
		{name: "6.2.4", send: fragments(opText, validGreek, 1), want: []frame{text(validGreek)}},
		{name: "6.3.1", send: []frame{text(invalidGreek)}, code: 1007},
		{name: "6.3.2", send: fragments(opText, invalidGreek, 1), code: 1007},
		// What fails in the middle of a message is told at its end.
		{name: "6.4.1", send: []frame{open(opText, validGreek), open(0, "\xf4\x90\x80\x80"), last("edited")}, code: 1007},
		{name: "6.4.2", send: []frame{open(opText, validGreek+"\xf4"), open(0, "\x90"), last("\x80\x80edited")}, code: 1007},
		{name: "6.4.3", send: []frame{text(validGreek + "\xf4\x90\x80\x80edited")}, pieces: 21, code: 1007},
		{name: "6.4.4", send: []frame{text(validGreek + "\xf4\x90\x80\x80edited")}, pieces: 1, code: 1007},
	}
	for i, valid := range []string{validGreek, "\xf0\x90\x80\x80", "\xc2\x80", "\xe0\xa0\x80", "\xf4\x8f\xbf\xbf"} {
		cases = append(cases, protocolCase{
			name: fmt.Sprintf("6.5.%d", i+1), send: fragments(opText, "Hello-"+valid, 7), want: []frame{text("Hello-" + valid)},
		})
	}
	// 6.6: a text that grows byte by byte is good where a code point is complete.
	boundaries := map[int]bool{2: true, 5: true, 7: true, 9: true, 11: true}
	for size := 1; size <= len(validGreek); size++ {
		cases = append(cases, textCase(fmt.Sprintf("6.6.%d", size), validGreek[:size], !boundaries[size]))
	}
	for _, group := range sequences {
		for i, one := range group.texts {
			cases = append(cases, textCase(fmt.Sprintf("%s/%d", group.group, i+1), one, group.invalid))
		}
	}
	runCases(t, cases)
}

func textCase(name, payload string, invalid bool) protocolCase {
	if invalid {
		return protocolCase{name: name, send: []frame{text(payload)}, code: 1007}
	}
	return protocolCase{name: name, send: []frame{text(payload)}, want: []frame{text(payload)}}
}
