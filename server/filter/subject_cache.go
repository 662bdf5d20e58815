package filter

import (
	"sync/atomic"
	"weak"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// keptSubjects is the number of the newest events whose Subjects stay in memory for all who evaluate them: the router and
	// every stream. Subjects with more than keptBytes of data stay only while they are in use, which limits the memory.
	keptSubjects = 512
	keptBytes    = 8 << 10
	// largeSubjects is the number of the newest large events that can be found.
	largeSubjects = 64
)

// subjects has the newest Subjects, by position.
type subjects struct {
	small [keptSubjects]atomic.Pointer[Subject]
	large [largeSubjects]atomic.Pointer[weak.Pointer[Subject]]
}

// find returns the Subject of an event; nil if it is not in memory.
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
