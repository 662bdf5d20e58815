package client

// Status is the state of a stream.
type Status int

// The states of a stream.
const (
	// Connecting: a connection is being established.
	Connecting Status = iota
	// CatchingUp: stored events are arriving.
	CatchingUp
	// Live: all stored events have arrived; the next ones are new.
	Live
	// Offline: the connection was lost or refused; the stream reconnects after a pause.
	Offline
)

func (s Status) String() string {
	return [...]string{"connecting", "catching up", "live", "offline"}[s]
}

func statusOf(live bool) Status {
	if live {
		return Live
	}
	return CatchingUp
}

// OnStatus sets a function that is called with each new state of the stream. It is called from the loop and must not block.
func OnStatus(changed func(Status)) SubscribeOption {
	return func(f *follower) {
		last := Status(-1)
		f.status = func(now Status) {
			if now != last {
				last = now
				changed(now)
			}
		}
	}
}
