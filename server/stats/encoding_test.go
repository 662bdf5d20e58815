package stats_test

import (
	"bytes"
	"testing"

	"github.com/postrider-dev/postrider/server/stats"
)

// withEmptyCounts is an interval of an earlier version: five events were published, and subscription 7 was only asked to slow down.
var withEmptyCounts = []byte{1, 5, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 1, 1, 'a', 5}

func TestIntervalsWithCountsOfNothingAreRead(t *testing.T) {
	t.Parallel()
	again, _, err := stats.Recode(withEmptyCounts)
	if want := []byte{1, 5, 0, 0, 0, 0, 0, 0, 1, 1, 'a', 5}; err != nil || !bytes.Equal(again, want) {
		t.Errorf("became %v, %v; want %v", again, err, want)
	}
}

// withFailures is withEmptyCounts without subscriptions, followed by three failures of subscription 7, refused with 400.
var withFailures = []byte{1, 5, 0, 0, 0, 0, 0, 0, 1, 1, 'a', 5, 1, 7, 1, 0x90, 3, 3}

// Earlier versions stop reading after the types.
func TestFailuresAreStoredBehindTheRest(t *testing.T) {
	t.Parallel()
	again, description, err := stats.Recode(withFailures)
	if err != nil || !bytes.Equal(again, withFailures) {
		t.Errorf("became %v, %v", again, err)
	}
	_, without, err := stats.Recode(withFailures[:12])
	if err != nil || without == description {
		t.Errorf("without failures %s, %v; with them %s", without, err, description)
	}
	if _, _, err := stats.Recode(withFailures[:15]); err == nil {
		t.Error("an interval that was cut off within its failures is read")
	}
}

// FuzzDecode reads what a damaged database may hold: it returns an error or something that can be written again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 5, 2, 1, 0, 1, 9, 2, 6, 3, 1, 7, 0, 2, 1, 0, 1, 9, 2, 1, 1, 'a', 5})
	f.Add([]byte{2, 0})
	f.Add(withEmptyCounts)
	f.Add(withFailures)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		again, description, err := stats.Recode(data)
		if err != nil {
			return
		}
		_, same, err := stats.Recode(again)
		if err != nil || same != description {
			t.Errorf("%s became %s: %v", description, same, err)
		}
	})
}
