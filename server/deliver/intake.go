package deliver

import "github.com/postrider-dev/postrider/server/gateway"

// doubtfulEvents is the number of events that a lane in doubt keeps in memory. Beyond that the router stops feeding it, and it reads
// the log when its endpoint works again.
const doubtfulEvents = 8

// intake holds the next events of a lane, and the position up to which the lane has read the log.
type intake struct {
	// fed: the router pushes events. filling: the lane reads the log.
	fed, filling bool
	queue        queue
	// scan is the position up to which events are queued, dispatched or known not to be selected.
	scan gateway.Position
	// turn changes whenever scan moves back, so that a page that is being read is discarded.
	turn uint64
	// settled holds the positions above the stored one that had a row at the start. unsettled means that they are not loaded
	// yet.
	settled   map[gateway.Position]struct{}
	unsettled bool
}

// room returns how many more events can be queued.
func (in *intake) room(doubtful bool) int {
	if doubtful {
		return min(in.queue.room(), max(doubtfulEvents-in.queue.len(), 0))
	}
	return in.queue.room()
}

// runsLow reports whether more events should be read.
func (in *intake) runsLow(doubtful bool) bool {
	if doubtful {
		return in.queue.len() == 0
	}
	return in.queue.low()
}

// push queues events from the router. The feed ends with the first event for which there is no room.
func (in *intake) push(events []*outgoing, doubtful bool) {
	for _, o := range events {
		if o.Position <= in.scan {
			continue
		}
		if in.room(doubtful) == 0 {
			in.fed, in.scan = false, o.Position-1
			return
		}
		in.enqueue(o)
		in.scan = o.Position
	}
}

// accept queues a page of the log that was read up to a position.
func (in *intake) accept(events []*gateway.Event, scanned gateway.Position) {
	for _, event := range events {
		in.enqueue(&outgoing{Event: event})
	}
	in.scan = scanned
}

func (in *intake) enqueue(o *outgoing) {
	if _, done := in.settled[o.Position]; !done {
		in.queue.push(o)
	}
}

// stop ends the feed and drops the queue; its events are read again later. reached is the router's position.
func (in *intake) stop(reached gateway.Position) {
	if in.fed {
		in.fed = false
		in.scan = max(in.scan, reached)
	}
	if p, ok := in.queue.first(); ok {
		in.scan = p - 1
	}
	in.queue.drop()
	in.turn++
}

// place is the position up to which every event that the lane selects has been dispatched.
func (in *intake) place(reached gateway.Position) gateway.Position {
	if p, ok := in.queue.first(); ok {
		return p - 1
	}
	if in.fed {
		return max(in.scan, reached)
	}
	return in.scan
}

// lowest returns the lowest position that may not be dispatched yet, or noLow if the router knows all of them.
func (in *intake) lowest() int64 {
	if p, ok := in.queue.first(); ok {
		return int64(p)
	}
	if in.fed {
		return noLow
	}
	return int64(in.scan) + 1
}

func (in *intake) setSettled(positions []gateway.Position) {
	in.unsettled = false
	if len(positions) == 0 {
		return
	}
	in.settled = make(map[gateway.Position]struct{}, len(positions))
	for _, p := range positions {
		in.settled[p] = struct{}{}
	}
}

// forgetSettled frees the settled positions once the lane is past all of them.
func (in *intake) forgetSettled(dispatched, startHead gateway.Position) {
	if in.settled != nil && dispatched > startHead {
		in.settled = nil
	}
}
