package client

// Status is what a stream is doing.
type Status int

// The states of a stream.
const (
	// Connecting: a connection is being made.
	Connecting Status = iota
	// CatchingUp: events that were stored earlier are coming.
	CatchingUp
	// Live: all stored events have come, the next ones are new.
	Live
	// Offline: the connection was lost or refused; the next one is made after a pause.
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

// OnStatus is called with what the stream is doing, each time that changes. It is called from the loop and must not block.
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
