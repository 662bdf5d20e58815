package stats

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// encodingVersion is the first byte of a stored interval.
const encodingVersion = 1

var errEncoding = errors.New("stored statistics cannot be read")

// encode encodes an interval, without its start, as a sequence of small numbers: some 20 bytes for each subscription and each type.
func (i *interval) encode() []byte {
	b := []byte{encodingVersion}
	b = appendCounts(b, &i.total)
	b = appendGauges(b, i.gauges)
	b = binary.AppendUvarint(b, uint64(len(i.subscriptions)))
	for _, id := range slices.Sorted(maps.Keys(i.subscriptions)) {
		b = binary.AppendUvarint(b, uint64(id))
		b = appendCounts(b, i.subscriptions[id])
	}
	b = binary.AppendUvarint(b, uint64(len(i.types)))
	for _, name := range slices.Sorted(maps.Keys(i.types)) {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, uint64(*i.types[name]))
	}
	return appendFailures(b, i.failures)
}

// appendFailures appends nothing if there are no failures, as earlier versions did. These versions ignore what follows the types, so
// they can still read the interval.
func appendFailures(b []byte, failures map[failure]*int64) []byte {
	if len(failures) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(failures)))
	for _, of := range slices.SortedFunc(maps.Keys(failures), compareFailures) {
		b = binary.AppendUvarint(b, uint64(of.subscription))
		b = append(b, byte(of.reason.Kind))
		b = binary.AppendUvarint(b, uint64(max(of.reason.Status, 0)))
		b = binary.AppendUvarint(b, uint64(*failures[of]))
	}
	return b
}

func appendCounts(b []byte, c *gateway.StatsCounts) []byte {
	for _, n := range [...]int64{c.Published, c.Delivered, c.Failed, c.Dead, int64(c.Latency.Len())} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for index, n := range c.Latency.Buckets() {
		b = append(b, index)
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// appendGauges appends 0 if the gauges are unknown, otherwise the backlog plus one, and the other gauges.
func appendGauges(b []byte, g gateway.StatsGauges) []byte {
	if !g.Known {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(g.Backlog)+1)
	b = binary.AppendUvarint(b, uint64(g.Retrying))
	return binary.AppendUvarint(b, uint64(g.Streams))
}

// decode decodes an interval.
func decode(start time.Time, data []byte) (*interval, error) {
	d := decoder{rest: data}
	if d.byte() != encodingVersion {
		return nil, errEncoding
	}
	i := newInterval(start)
	d.counts(&i.total)
	i.gauges = d.gauges()
	for n := d.length(); n > 0; n-- {
		id, counts := gateway.SubscriptionID(d.number()), &gateway.StatsCounts{}
		d.counts(counts)
		if !counts.Empty() { // earlier versions stored counts of nothing
			i.subscriptions[id] = counts
		}
	}
	for n := d.length(); n > 0; n-- {
		name := string(d.bytes(d.length()))
		count := d.number()
		if count == 0 {
			return nil, errEncoding
		}
		i.types[name] = &count
	}
	if !d.failed && len(d.rest) > 0 {
		d.failures(i)
	}
	if d.failed {
		return nil, errEncoding
	}
	return i, nil
}

// decoder reads numbers. After the first error all further numbers are 0.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) fail() { d.rest, d.failed = nil, true }

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) number() int64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || int64(v) < 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return int64(v)
}

// length reads a number of elements, each of which takes at least one byte.
func (d *decoder) length() int {
	n := d.number()
	if n > int64(len(d.rest)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) counts(c *gateway.StatsCounts) {
	for _, n := range [...]*int64{&c.Published, &c.Delivered, &c.Failed, &c.Dead} {
		*n = d.number()
	}
	for n := d.length(); n > 0; n-- {
		index := d.byte()
		c.Latency.AddBucket(index, d.number())
	}
}

func (d *decoder) failures(i *interval) {
	for n := d.length(); n > 0; n-- {
		of := failure{subscription: gateway.SubscriptionID(d.number())}
		of.reason.Kind, of.reason.Status = gateway.FailureKind(d.byte()), int(d.number())
		count := d.number()
		if count == 0 {
			d.fail()
			return
		}
		i.countsOfFailures()[of] = &count
	}
}

func (d *decoder) gauges() (g gateway.StatsGauges) {
	backlog := d.number()
	if backlog == 0 {
		return g
	}
	return gateway.StatsGauges{Known: true, Backlog: backlog - 1, Retrying: d.number(), Streams: d.number()}
}
