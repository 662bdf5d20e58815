// Package metertest contains expressions that would exhaust a server without a meter. They are tested in every place that evaluates
// expressions.
package metertest

import (
	"fmt"
	"strconv"
	"strings"
)

// Costly is an expression that makes a function work hard on Payload.
type Costly struct {
	Name string
	// Functions are those of the environment that it is about.
	Functions []string
	// Filter is the expression of a filter, and Rule the same as a schema's rule, with `this` the payload. One of them is
	// empty where the other place has not got the function.
	Filter, Rule string
}

// Payload is the text of a JSON object that is hostile: long texts t and u (the same in bytes, b), which a pattern of
// repetitions almost matches; lists of numbers n, of texts l and of doubles d; a map m; and nested lists, as deep as a
// payload may be.
func Payload() []byte {
	long := strings.Repeat("a", 60_000)
	var texts, numbers, doubles, entries []string
	for i := range 10_000 {
		texts = append(texts, strconv.Quote(fmt.Sprintf("text-%d", i)))
		numbers = append(numbers, strconv.Itoa(i))
		doubles = append(doubles, fmt.Sprintf("%d.5", i))
		entries = append(entries, fmt.Sprintf(`"key-%d":"v"`, i))
	}
	return fmt.Appendf(nil, `{"t":%q,"u":%q,"b":"%s","n":[%s],"l":[%s],"d":[%s],"m":{%s},"nested":%s%s}`,
		long, long+"b", strings.Repeat("YWFh", 20_000), strings.Join(numbers, ","), strings.Join(texts, ","), strings.Join(doubles, ","),
		strings.Join(entries, ","), strings.Repeat("[", 80), strings.Repeat("]", 80))
}

// Schema is the definition of a message of the same fields, without its closing brace. Its name is costly.Payload.
const Schema = `syntax = "proto3"; package costly;
import "buf/validate/validate.proto"; import "google/protobuf/struct.proto";
message Payload {
  string t = 1; string u = 2; bytes b = 3; repeated int64 n = 4; repeated string l = 5; repeated double d = 6;
  map<string, string> m = 7; google.protobuf.Value nested = 8;
`

// each is for functions of which one call is cheap: they are called on every element of a list.
func each(functions, call string) Costly {
	return both(functions, functions+" on every element", "D.n.all(x, D.n.all(y, "+call+"))")
}

// both is for an expression of filters and of rules. D stands for the payload.
func both(functions, name, expression string) Costly {
	c := Costly{Name: name, Functions: strings.Fields(functions)}
	c.Filter = strings.ReplaceAll(expression, "D.", "event.data.")
	c.Rule = strings.ReplaceAll(expression, "D.", "this.")
	return c
}

func filterOnly(functions, name, expression string) Costly {
	c := both(functions, name, expression)
	c.Rule = ""
	return c
}

func ruleOnly(functions, name, expression string) Costly {
	c := both(functions, name, expression)
	c.Filter = ""
	return c
}

// Expressions has every function of the environments of filters and of rules.
func Expressions() []Costly {
	return []Costly{
		both("replace", "replace nothing by everything", "D.t.replace('', D.t) != ''"),
		both("replace", "replace every character", "D.t.replace('a', D.t) != ''"),
		both("replace", "replace some", "D.t.replace('a', D.t, 50000) != ''"),
		both("replace", "replace again and again", "D.n.all(x, D.t.replace('a', 'bb') != '')"),
		both("join", "join with a long separator", "D.l.join(D.t) != ''"),
		both("join", "join again and again", "D.n.all(x, D.l.join() != '')"),
		both("join _+_", "join what grew", "[D.l, D.l].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x)[0].join(D.t) != ''"),
		both("split", "split into characters", "D.n.all(x, D.t.split('').size() > 0)"),
		both("split", "split and join", "D.t.split('').join(D.t) != ''"),
		both("format", "format a list again and again", "D.n.all(x, '%s'.format([D.l]) != '')"),
		both("format", "format with a large precision", "'%.90f'.format([1.5]).size() > 0 && D.n.all(x, '%.90e%.90f'.format([1.5, 2.5]) != '')"),
		both("format", "format long texts", "'%s%s%s%s%s%s%s%s%s%s'.format([D.t, D.t, D.t, D.t, D.t, D.t, D.t, D.t, D.t, D.t]).format([]) != '' && D.n.all(x, '%s'.format([D.t]) != '')"),
		both("format", "format as hexadecimal", "D.n.all(x, '%x'.format([D.t]) != '')"),
		both("_+_", "add texts", "D.n.all(x, (D.t + D.t).size() > 0)"),
		both("_+_", "double a text", "[D.t].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x)[0] != ''"),
		both("_+_", "double a list", "[D.n].map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x).map(x, x + x)[0].size() > 0"),
		both("_+_", "double an empty list", doubled("[]", 40)+".size() == 0"),
		both("_+_ bytes", "add bytes", "D.n.all(x, (D.b + bytes(D.t)) != b'')"),
		both("matches", "a pattern of counted repetitions", "D.u.matches('^(a|a?){100}c')"),
		both("matches", "a pattern with many ways", "D.u.matches('(a*)*(a*)*(a*)*c')"),
		both("matches", "a pattern again and again", "D.n.all(x, !D.t.matches('^b{4}$') || !D.u.matches('a+c'))"),
		both("matches", "a pattern from the payload", "D.l.all(x, D.t.matches('(' + x + '){50}') || true)"),
		both("matches", "a long pattern from the payload", "D.t.matches(D.t)"),
		both("matches", "a pattern that is large once compiled", "D.t.matches('((a{30}){30}|' + D.l[0] + ')')"),
		both("_==_", "a list in a list for every element", "D.l.exists(x, D.l == [x])"),
		both("_==_", "a list and itself for every element", "!D.l.exists(x, D.l != D.l)"),
		both("_==_", "the map and itself for every element", "D.n.all(x, D.m == D.m)"),
		both("_==_", "texts for every element", "D.n.all(x, D.t == D.t)"),
		both("_!=_", "texts that differ at their end", "D.n.all(x, D.t + 'b' != D.t + 'c')"),
		both("_==_ dyn", "nested lists of different types", "D.n.all(x, D.n.all(y, dyn(D.nested) == dyn([[[[[[[]]]]]]]) || true))"),
		both("@in", "in a list for every element", "D.l.exists(x, !(x in D.l))"),
		both("@in", "a long text in a list", "D.n.all(x, !(D.t in D.l))"),
		both("@in", "in a map for every element", "D.l.all(x, !(D.t in D.m))"),
		both("_[_]", "an index for every pair", "D.n.all(x, D.n.all(y, D.n[y] >= 0))"),
		both("_[_]", "a long key for every element", "D.n.all(x, D.n.all(y, D.m[D.l[0]] == 'v' || true))"),
		filterOnly("_[?_] _?._ optional.of orValue hasValue value or optional.none", "optional values for every pair",
			"D.n.all(x, D.n.all(y, D.m[?'x'].orValue('v') == 'v' && !D.?none.hasValue() && optional.of(1).or(optional.none()).value() == 1))"),
		filterOnly("optional.ofNonZeroValue unwrapOpt optional.unwrap", "unwrap again and again",
			"D.n.all(x, optional.unwrap([optional.ofNonZeroValue(D.l)]).size() == 1 && D.l.map(y, optional.of(y)).unwrapOpt().size() > 0)"),
		filterOnly("first last", "the first and the last for every pair", "D.n.all(x, D.n.all(y, D.n.first().value() == 0 && D.n.last().value() > 0))"),
		both("unique", "texts for every element", "D.n.all(x, D.l.unique())"),
		both("unique", "numbers for every element", "D.n.all(x, D.n.unique() && D.d.unique())"),
		both("indexOf", "search in a text", "D.t.indexOf(D.u) < 0 && D.n.all(x, D.t.indexOf('aaaaaab') < 0)"),
		both("lastIndexOf", "search from the end", "D.t.lastIndexOf('baaaaaaaaaaaaaaaaaaaaaaaa') < 0 && D.n.all(x, D.t.lastIndexOf('baaaa') < 0)"),
		both("charAt", "characters for every element", "D.n.all(x, D.t.charAt(x) == 'a')"),
		both("substring", "parts for every element", "D.n.all(x, D.t.substring(x) != '')"),
		both("lowerAscii upperAscii", "letters for every element", "D.n.all(x, D.t.lowerAscii() != D.t.upperAscii())"),
		both("trim", "trim for every element", "D.n.all(x, D.t.trim() != '')"),
		both("reverse", "reverse for every element", "D.n.all(x, D.t.reverse() != '')"),
		both("strings.quote", "quote for every element", "D.n.all(x, strings.quote(D.t) != '')"),
		both("contains", "contains for every element", "D.n.all(x, !D.t.contains('b'))"),
		both("startsWith endsWith", "begins and ends for every element", "D.n.all(x, D.u.startsWith(D.t) && !D.u.endsWith(D.t))"),
		both("size", "sizes for every element", "D.n.all(x, D.t.size() > 0 && size(D.l) > 0 && size(D.m) > 0)"),
		both("string bytes", "convert for every element", "D.n.all(x, string(bytes(D.t)) == D.t)"),
		both("int uint double bool", "read a long text as a number", "D.n.all(x, int(D.t) > 0 || uint(D.t) > 0u || double(D.t) > 0.0 || bool(D.t) || true)"),
		both("timestamp duration", "read a long text as a time", "D.n.all(x, timestamp(D.t) > timestamp(0) || duration(D.t) > duration('1s') || true)"),
		both("_<_ _<=_ _>_ _>=_", "compare long texts", "D.n.all(x, D.t < D.u && D.t <= D.u && D.u > D.t && D.u >= D.t)"),
		both("isEmail", "addresses for every element", "D.n.all(x, !(D.t.isEmail()))"),
		both("isHostname isHostAndPort", "hosts for every element", "D.n.all(x, !D.t.isHostname() && !D.t.isHostAndPort(true))"),
		both("isIp isIpPrefix", "addresses for every element", "D.n.all(x, !D.t.isIp() && !D.t.isIpPrefix())"),
		both("isUri isUriRef", "addresses for every element", "D.n.all(x, !D.t.isUri() && D.t.isUriRef())"),
		both("getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear", "dates in a zone for every pair",
			"D.n.all(x, D.n.all(y, timestamp(x).getFullYear('Europe/Paris') + timestamp(x).getMonth('Europe/Paris') + timestamp(x).getDate('Europe/Paris') + "+
				"timestamp(x).getDayOfMonth('Europe/Paris') + timestamp(x).getDayOfWeek('Europe/Paris') + timestamp(x).getDayOfYear('Europe/Paris') > 0))"),
		both("getHours getMinutes getSeconds getMilliseconds", "times in a zone for every pair",
			"D.n.all(x, D.n.all(y, timestamp(x).getHours('Europe/Paris') + timestamp(x).getMinutes('Europe/Paris') + timestamp(x).getSeconds('Europe/Paris') + "+
				"timestamp(x).getMilliseconds('Europe/Paris') >= 0))"),
		both("getHours", "a zone with a long name", "D.n.all(x, timestamp(x).getHours(D.t) >= 0 || true)"),
		each("_-_ _*_ _/_ _%_ -_", "x - y * x / (y + 1) % 7 + -x < 1 || true"),
		each("!_ _&&_ _||_ _?_:_ @not_strictly_false", "!(x > 0 && y > 0) || (x < 0 ? false : true)"),
		each("type", "type(x) == type(y)"),
		each("isNan isInf", "!double(x).isNan() && !double(x).isInf() && !double(y).isInf(1)"),
		ruleOnly("getField", "a field by its name for every pair", "D.n.all(x, D.n.all(y, getField(this, 't') != ''))"),
		both("", "exists_one for every pair", "D.n.all(x, !D.n.exists_one(y, D.n.exists_one(z, false)))"),
		both("", "filters of filters", "D.n.filter(x, D.n.filter(y, D.n.filter(z, true) != []) != []) != []"),
		both("", "lists of lists", "D.n.map(x, D.n.map(y, D.n.map(z, [z]))).size() > 0"),
		both("", "loops over the map", "D.m.all(x, D.m.all(y, D.m.all(z, z != '')))"),
		both("", "maps for every pair", "D.n.all(x, D.n.all(y, {D.l[0]: x, 'b': y}.size() == 2))"),
		both("", "constants in loops", "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, true))))))"),
		both("", "the nested value for every pair", "D.n.all(x, D.n.all(y, D.nested != x))"),
	}
}

// doubled adds a list to itself again and again.
func doubled(list string, times int) string {
	return "[" + list + "]" + strings.Repeat(".map(x, x + x)", times) + "[0]"
}
