package main

import (
	"fmt"
	"time"
)

// Usual figures of the limits, on 2 processors that the server shares with load generator and sink.
const (
	usualNoop        = 55_000
	usualSignedPosts = 42_000
	// comparable is the rate of the best comparable server here, for publish and delivery together.
	comparable = 1_836
)

// machineRows measures how fast this machine is compared with the machine of the budget.
func (b *bench) machineRows() ([]row, error) {
	var rates []float64
	var cpu time.Duration
	for range b.rounds {
		rate, used, err := noopRate(3 * b.unit)
		if err != nil {
			return nil, err
		}
		rates, cpu = append(rates, rate), used
	}
	b.machine = median(rates) / usualNoop
	return []row{{
		name: "bare Connect handler, JSON", measured: perSecond(median(rates), cpu), limit: perSecond(usualNoop, 0),
		ratio: fmt.Sprintf("%.2f", b.machine), note: "this machine beside that of the budget",
	}}, nil
}

// asOnBudget converts a server's CPU time per event to the machine of the budget; empty when this machine was not measured
// in this run.
func (b *bench) asOnBudget(cpu time.Duration) string {
	if b.machine == 0 {
		return ""
	}
	return fmt.Sprintf("; %.0f µs on the machine of the budget", float64(cpu.Nanoseconds())/1000*b.machine)
}

// publishRows compares durable publish with the same handler without store.Append, in alternating runs.
func (b *bench) publishRows() ([]row, error) {
	var rows []row
	for _, kind := range []publishKind{
		{name: "publish, JSON"},
		{name: "publish, JSON, schema", typed: true},
		{name: "publish, gRPC", grpc: true},
		{name: "publish, gRPC, schema", grpc: true, typed: true},
	} {
		r, err := b.publishRow(kind)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) publishRow(kind publishKind) (row, error) {
	var real, limit, ratio []float64
	var cpu time.Duration
	for range b.rounds {
		stubbed, _, err := b.publishOnce(kind, true)
		if err != nil {
			return row{}, err
		}
		rate, used, err := b.publishOnce(kind, false)
		if err != nil {
			return row{}, err
		}
		real, limit, ratio, cpu = append(real, rate), append(limit, stubbed), append(ratio, rate/stubbed), used
	}
	r := row{
		name: kind.name, measured: perSecond(median(real), cpu), limit: perSecond(median(limit), 0),
		ratio: fmt.Sprintf("%.2f", median(ratio)), target: "≥ 0.80", floor: "0.50",
	}
	if b.machine != 0 {
		r.note = reference(b.machine*usualNoop, usualNoop)
	}
	return r, nil
}

func (b *bench) publishOnce(kind publishKind, noStore bool) (float64, time.Duration, error) {
	folder, remove, err := tempFolder()
	if err != nil {
		return 0, 0, err
	}
	defer remove()
	server, err := startServer(folder, noStore)
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	return publishRate(server, kind, 4*b.unit)
}

// appendRows compares store.Append with bare prepared inserts.
func (b *bench) appendRows() ([]row, error) {
	var real, limit, ratio []float64
	for range b.rounds {
		bare, err := b.inFolder(insertRate)
		if err != nil {
			return nil, err
		}
		own, err := b.inFolder(appendRate)
		if err != nil {
			return nil, err
		}
		real, limit, ratio = append(real, own), append(limit, bare), append(ratio, own/bare)
	}
	return []row{{
		name: "store append, 100 callers", measured: perSecond(median(real), 0), limit: perSecond(median(limit), 0),
		ratio: fmt.Sprintf("%.2f", median(ratio)), target: "≥ 0.70",
		note: fmt.Sprintf("limit: prepared inserts, %d events a transaction", appenders),
	}}, nil
}

func (b *bench) inFolder(measure func(folder string, d time.Duration) (float64, error)) (float64, error) {
	folder, remove, err := tempFolder()
	if err != nil {
		return 0, err
	}
	defer remove()
	return measure(folder, 4*b.unit)
}

// deliveryRows compares draining a stored backlog with a bare loop of signed posts to the same sink.
func (b *bench) deliveryRows() ([]row, error) {
	var real, limit, ratio []float64
	var cpu time.Duration
	for range b.rounds {
		err := b.withServer(func(server, sink *process) error {
			bare, err := signedPosts(sink, 3*b.unit, func(int) (*rawConn, error) { return dialRaw(sink.address) })
			if err != nil {
				return err
			}
			backlog := 100_000
			if b.short {
				backlog = 3_000
			}
			rate, used, err := drain(server, sink, backlog, hooks("http", sink.address))
			if err != nil {
				return err
			}
			real, limit, ratio, cpu = append(real, rate), append(limit, bare), append(ratio, rate/bare), used
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []row{{
		name: "delivery of a backlog", measured: perSecond(median(real), cpu), limit: perSecond(median(limit), 0),
		ratio: fmt.Sprintf("%.2f", median(ratio)), target: "≥ 0.70", floor: "0.30", note: reference(median(limit), usualSignedPosts),
	}}, nil
}

// togetherRows measures publish and delivery at once.
func (b *bench) togetherRows() ([]row, error) {
	var r row
	err := b.withServer(func(server, sink *process) error {
		rate, cpu, err := together(server, sink, 10*b.unit)
		r = row{
			name: "publish and delivery together", measured: perSecond(rate, cpu), limit: perSecond(comparable, 0),
			ratio: fmt.Sprintf("%.1f", rate/comparable), target: "≥ 8, 60 µs", floor: "120 µs", note: "limit: the best comparable server" + b.asOnBudget(cpu),
		}
		return err
	})
	return []row{r}, err
}

// firstByteRows measures the time from publish to the first byte at the sink.
func (b *bench) firstByteRows() ([]row, error) {
	var r row
	err := b.withServer(func(server, sink *process) error {
		stats, err := firstByte(server, sink, 1000, 20*b.unit)
		if err == nil && stats.samples == 0 {
			err = fmt.Errorf("nothing arrived")
		}
		r = row{
			name:     "publish to first byte, 1,000/s",
			measured: fmt.Sprintf("p50 %s p99 %s", ms(stats.p50), ms(stats.p99)),
			target:   "2, 10 ms", floor: "p99 20", note: fmt.Sprintf("worst %s of %d", ms(stats.worst), stats.samples),
		}
		return err
	})
	return []row{r}, err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// withServer runs a measurement with a fresh server and sink.
func (b *bench) withServer(measure func(server, sink *process) error) error {
	folder, remove, err := tempFolder()
	if err != nil {
		return err
	}
	defer remove()
	sink, err := startSink()
	if err != nil {
		return err
	}
	defer sink.stop()
	server, err := startServer(folder, false)
	if err != nil {
		return err
	}
	defer server.stop()
	return measure(server, sink)
}
