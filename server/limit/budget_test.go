package limit_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
)

const mebibyte = 1 << 20

// admitted begins a call of a key.
func admitted(t *testing.T, budget *limit.Budget, key string, tenant int64) *limit.Call {
	t.Helper()
	call, err := limit.NewUnknown(limit.UnknownBytes).Begin("192.0.2.1", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Admit(budget, limit.Holder{Key: key, Tenant: tenant}, 16*mebibyte); err != nil {
		t.Fatal(err)
	}
	return call
}

// fill takes as much as a key may have, a mebibyte of body at a time, and returns how much that is.
func fill(call *limit.Call) (taken int) {
	for call.Charge(mebibyte) == nil {
		taken += mebibyte
	}
	return taken
}

func TestNobodyTakesTheWholeBudget(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.DefaultBytes)
	greedy := admitted(t, budget, "greedy", 1)
	taken := fill(greedy)
	if held := budget.Held(); held < 100*mebibyte || held > limit.DefaultBytes/2 {
		t.Errorf("one key holds %d MiB for %d MiB of body, want half of 256", held>>20, taken>>20)
	}
	fill(admitted(t, budget, "its sister", 1))
	if held := budget.Held(); held > limit.DefaultBytes*2/3 {
		t.Errorf("one tenant holds %d MiB, want at most two thirds of 256", held>>20)
	}
	if other := fill(admitted(t, budget, "another", 2)); other < 8*mebibyte {
		t.Errorf("another tenant gets %d MiB of body, want at least 8", other>>20)
	}
}

// What is refused says what to do, and small calls of the same key still pass.
func TestSmallCallsPassWhereLargeOnesAreRefused(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.DefaultBytes)
	greedy := admitted(t, budget, "key", 1)
	fill(greedy)
	var refused *gateway.Error
	if err := greedy.Charge(mebibyte); !errors.As(err, &refused) || refused.Code != gateway.CodeUnavailable ||
		refused.Reason != gateway.ReasonOverloaded || refused.RetryAfter <= 0 {
		t.Errorf("refused with %+v, want unavailable, OVERLOADED and when to try again", refused)
	}
	for range 100 {
		if err := admitted(t, budget, "key", 1).Charge(16 << 10); err != nil {
			t.Fatalf("a small call is refused: %v", err)
		}
	}
}

func TestWhatIsSettledCanBeHadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := limit.NewBudget(limit.DefaultBytes)
		call := admitted(t, budget, "key", 1)
		fill(call)
		call.Settle()
		if held := budget.Held(); held != 0 {
			t.Errorf("%d bytes are held although the only call is over", held)
		}
		time.Sleep(2 * time.Second)
		if again := fill(call); again == 0 {
			t.Error("nothing can be had again")
		}
	})
}

// Eight clients of a key that sent 15 MiB each, again at once when they were refused, had most of it read and thrown away all the
// time. Who was told to try again in two seconds is refused before that as soon as a call turns out to be large.
func TestLargeCallsThatComeTooSoonAreRefusedEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := limit.NewBudget(limit.DefaultBytes)
		first := admitted(t, budget, "key", 1)
		fill(first)
		first.End()
		soon := admitted(t, budget, "key", 1)
		if err := soon.Charge(16 << 10); err != nil {
			t.Errorf("a small call is refused: %v", err)
		}
		if err := soon.Charge(mebibyte); err == nil {
			t.Error("a large call passes at once after one was refused")
		}
		if err := admitted(t, budget, "another", 1).Charge(mebibyte); err != nil {
			t.Errorf("another key is refused: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := admitted(t, budget, "key", 1).Charge(mebibyte); err != nil {
			t.Errorf("a large call is refused after the time that was named: %v", err)
		}
	})
}

// A goroutine that receives may outlive its call: what it is charged then would never be given back.
func TestACallThatHasEndedHoldsNothing(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.DefaultBytes)
	call := admitted(t, budget, "key", 1)
	fill(call)
	call.End()
	if err := call.Charge(1); err == nil || budget.Held() != 0 {
		t.Errorf("a charge after the end: %v, %d bytes are held", err, budget.Held())
	}
}

// A budget that is smaller than what may be sent says so, rather than that one should try again.
func TestABudgetLimitsWhatOneBodyMayHave(t *testing.T) {
	t.Parallel()
	call := admitted(t, limit.NewBudget(32*mebibyte), "key", 1)
	most, known := call.Most()
	if !known || most >= 4*mebibyte || most < 3*mebibyte {
		t.Errorf("a body may have %d bytes, want a little less than 4 MiB", most)
	}
	if err := call.Charge(most); err != nil {
		t.Errorf("the largest body is refused: %v", err)
	}
}

// An edge calls several methods for one request: what the request holds is charged once.
func TestACallIsChargedOnceHoweverOftenItIsAdmitted(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.BudgetFor(mebibyte))
	call := admitted(t, budget, "key", 1)
	if err := call.Charge(mebibyte); err != nil {
		t.Fatal(err)
	}
	held := budget.Held()
	for range 3 {
		if err := call.Admit(budget, limit.Holder{Key: "key", Tenant: 1}, mebibyte); err != nil || budget.Held() != held {
			t.Errorf("%v, holds %d, want %d", err, budget.Held(), held)
		}
	}
	call.End()
	if budget.Held() != 0 {
		t.Errorf("%d bytes are held after the end", budget.Held())
	}
}

func TestAddressesOfOneNetworkCountTogether(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1:1234":         "192.0.2.1",
		"[2001:db8:1:2::3]:1234": "2001:db8:1:2::/64",
		"[2001:db8:1:2:9::]:1":   "2001:db8:1:2::/64",
		"[::ffff:192.0.2.1]:1":   "192.0.2.1",
		"pipe":                   "pipe",
	} {
		if got := limit.Address(remote); got != want {
			t.Errorf("%s counts for %s, want %s", remote, got, want)
		}
	}
}

// A client that began four thousand calls and sent none of their bodies had four thousand goroutines wake in the same moment, when
// it left.
func TestOnlySomeRequestsAreWaitedFor(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.DefaultBytes)
	var calls []*limit.Call
	for range 512 {
		call := admitted(t, budget, "key", 1)
		if err := errors.Join(call.Expect(), call.Expect()); err != nil {
			t.Fatalf("after %d: %v", len(calls), err)
		}
		calls = append(calls, call)
	}
	var refused *gateway.Error
	if err := admitted(t, budget, "key", 1).Expect(); !errors.As(err, &refused) || refused.Code != gateway.CodeUnavailable ||
		refused.Reason != gateway.ReasonOverloaded || refused.RetryAfter <= 0 {
		t.Errorf("refused with %+v, want unavailable, OVERLOADED and when to try again", refused)
	}
	if err := admitted(t, budget, "another", 1).Expect(); err != nil {
		t.Error(err)
	}
	for _, done := range []func(){calls[0].Arrived, calls[1].Settle, calls[2].End} {
		done()
		if err := admitted(t, budget, "key", 1).Expect(); err != nil {
			t.Error(err)
		}
	}
}

// Four uploads of which two fit were all read until the share of their key was full, and then two of them were cut. What does not fit
// is refused before it is sent, and what was let in comes through, also beside calls that announce nothing.
func TestWhatDoesNotFitIsRefusedWhenItIsAnnounced(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.BudgetFor(16 * mebibyte))
	var uploads []*limit.Call
	for i := range 4 {
		upload := admitted(t, budget, "key", 1)
		err := upload.Announce(8 * mebibyte)
		if fits := i < 2; fits != (err == nil) {
			t.Fatalf("upload %d of 8 MiB is announced: %v", i+1, err)
		}
		var refused *gateway.Error
		if err != nil && (!errors.As(err, &refused) || refused.Reason != gateway.ReasonOverloaded || refused.RetryAfter <= 0) {
			t.Errorf("refused with %+v, want OVERLOADED and when to try again", err)
		}
		if err == nil {
			uploads = append(uploads, upload)
		}
	}
	if err := admitted(t, budget, "key", 1).Charge(64 << 10); err != nil {
		t.Errorf("a small call of the key is refused: %v", err)
	}
	if other := fill(admitted(t, budget, "key", 1)); other > 8*mebibyte {
		t.Errorf("a call that announces nothing takes %d MiB", other>>20)
	}
	for range 8 * 4 {
		for i, upload := range uploads {
			if err := upload.Charge(mebibyte / 4); err != nil {
				t.Fatalf("upload %d is cut: %v", i+1, err)
			}
		}
	}
}

// An announcement alone takes no room from others, and none of its key once it is given up.
func TestAnnouncementsTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	budget := limit.NewBudget(limit.DefaultBytes)
	var announced []*limit.Call
	for {
		call := admitted(t, budget, "key", 1)
		if call.Announce(mebibyte) != nil {
			break
		}
		announced = append(announced, call)
	}
	if other := fill(admitted(t, budget, "another", 1)); other < 20*mebibyte {
		t.Errorf("beside %d announcements of another key, a key gets %d MiB", len(announced), other>>20)
	}
	for _, call := range announced {
		call.End()
	}
	last := admitted(t, budget, "key", 1)
	if err := last.Announce(mebibyte); err != nil {
		t.Errorf("after all have ended: %v", err)
	}
	last.Arrived()
	if err := last.Charge(1 << 10); err != nil {
		t.Error(err)
	}
}
