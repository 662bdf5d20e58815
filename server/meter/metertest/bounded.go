package metertest

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Bounded runs something that evaluates a costly expression, and fails the test when the process took more for it than it
// may: of all memory that is asked for in the course of it, and of processor time, which does not depend on what else the
// machine does, nor on a test's own clock. Nothing else may run in the process.
func Bounded(t testing.TB, memory uint64, processor time.Duration, run func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := processorTime(t)
	run()
	took := processorTime(t) - began
	runtime.ReadMemStats(&after)
	asked := after.TotalAlloc - before.TotalAlloc
	t.Logf("%v, %d KiB", took.Round(10*time.Microsecond), asked>>10)
	if asked > memory || took > processor {
		t.Errorf("it took %v of a processor and %d KiB, and may take %v and %d KiB", took, asked>>10, processor, memory>>10)
	}
}

// processorTime is what the process has had of all processors.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
