// Bench measures Postrider's performance on this machine and prints each figure beside a limit that was measured in the same
// run. `make bench` runs it. CI runs it with -short, which fails only when a row is missing, never because of a figure.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "sink":
			os.Exit(sinkMain(os.Args[2], os.Args[3:]))
		case "noop":
			os.Exit(noopMain(os.Args[2]))
		case "frames":
			os.Exit(framesMain(os.Args[2], os.Args[3], os.Args[4]))
		case "server", "server-without-store":
			os.Exit(serverMain(os.Args[2], os.Args[3], os.Args[1] == "server-without-store"))
		}
	}
	short := flag.Bool("short", false, "a tenth of the time: shows that every row runs, its figures mean little")
	only := flag.String("row", "", "only rows whose name contains this")
	soak := flag.Bool("soak", false, "instead of the rows, watch the memory of a server under a steady load for ten minutes, with -short for one")
	profile := flag.String("profile", "", "write the servers' CPU profiles to files of this pattern, for example /tmp/cpu-%d")
	flag.Parse()
	if *profile != "" {
		_ = os.Setenv(profileVariable, *profile)
	}
	b := &bench{unit: time.Second, rounds: 3, short: *short, only: *only}
	if *short {
		b.unit, b.rounds = 150*time.Millisecond, 1
	}
	run := b.run
	if *soak {
		run = b.soak
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	// unit is the length of a second in this run.
	unit   time.Duration
	rounds int
	short  bool
	only   string
	// machine is the speed of this machine relative to that of the budget; 0 when it was not measured.
	machine float64
}

// row is one line of the table.
type row struct {
	name     string
	measured string
	limit    string
	ratio    string
	target   string
	floor    string
	note     string
}

// section measures rows that share their processes.
type section struct {
	name string
	run  func(*bench) ([]row, error)
}

var sections = []section{
	{"machine", (*bench).machineRows},
	{"publish", (*bench).publishRows},
	{"typing", (*bench).typingRows},
	{"registering", (*bench).registerRows},
	{"append", (*bench).appendRows},
	{"delivery", (*bench).deliveryRows},
	{"delivery over https", (*bench).httpsRows},
	{"together", (*bench).togetherRows},
	{"first byte", (*bench).firstByteRows},
	{"beside dead", (*bench).besideDeadRows},
	{"fan-out to SSE", saturated(liveTransports[0])},
	{"fan-out to Connect", saturated(liveTransports[1])},
	{"fan-out to WebSocket", saturated(liveTransports[2])},
	{"fan-out paced", overTransports((*bench).pacedRow)},
	{"fan-out idle", overTransports((*bench).idleRow)},
	{"fan-out replay", (*bench).replayRows},
}

func (b *bench) run() error {
	fmt.Printf("postrider bench: %s, %s, %d processors, %s\n\n", commit(), processor(), runtime.NumCPU(), runtime.Version())
	format := "%-34s %22s %22s %7s %10s %8s  %s\n"
	fmt.Printf(format, "row", "measured", "limit in this run", "ratio", "target", "floor", "")
	for _, s := range sections {
		if b.only != "" && !strings.Contains(s.name, b.only) {
			continue
		}
		rows, err := s.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for _, r := range rows {
			fmt.Printf(format, r.name, r.measured, r.limit, r.ratio, r.target, r.floor, r.note)
		}
	}
	return nil
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown commit"
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(line, "model name"); found {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

// perSecond formats a rate and the server's CPU time per event.
func perSecond(rate float64, cpu time.Duration) string {
	if cpu == 0 {
		return fmt.Sprintf("%.0f/s", rate)
	}
	return fmt.Sprintf("%.0f/s %.1f µs", rate, float64(cpu.Nanoseconds())/1000)
}

// reference returns a remark when a limit is so low that the machine was busy with something else. The row is then void.
func reference(limit, usual float64) string {
	if limit < 0.8*usual {
		return fmt.Sprintf("void: the limit is usually %.0f/s", usual)
	}
	return ""
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// tempFolder creates a folder for one database, on the file system of the working directory and not in memory.
func tempFolder() (string, func(), error) {
	folder, err := os.MkdirTemp(".", ".bench-")
	return folder, func() { _ = os.RemoveAll(folder) }, err
}
