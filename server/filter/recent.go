package filter

import (
	"sync/atomic"
	"weak"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// keptSubjects is how many of the newest events are kept read, for those who look at the same ones: the router and
	// every stream. Those with more than keptBytes of data are kept only while somebody looks at them, which bounds the memory.
	keptSubjects = 512
	keptBytes    = 8 << 10
	// largeSubjects is how many of the newest large events are found.
	largeSubjects = 64
)

// subjects are the newest events that were looked at, by their positions.
type subjects struct {
	small [keptSubjects]atomic.Pointer[Subject]
	large [largeSubjects]atomic.Pointer[weak.Pointer[Subject]]
}

// find returns the subject of an event; nil when it is not kept.
func (s *subjects) find(event *gateway.Event) *Subject {
	kept := s.small[uint64(event.Position)%keptSubjects].Load()
	if len(event.Data) > keptBytes {
		kept = nil
		if held := s.large[uint64(event.Position)%largeSubjects].Load(); held != nil {
			kept = held.Value()
		}
	}
	if kept == nil || kept.event != event && (kept.event.Position != event.Position || kept.event.ID != event.ID) {
		return nil
	}
	return kept
}

func (s *subjects) keep(subject *Subject) {
	position := uint64(subject.event.Position)
	if len(subject.event.Data) <= keptBytes {
		s.small[position%keptSubjects].Store(subject)
		return
	}
	held := weak.Make(subject)
	s.large[position%largeSubjects].Store(&held)
}
