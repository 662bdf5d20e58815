package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The besieger is a process of its own, with the least claim to the processors: its clients and endpoints are elsewhere in
// truth, and what they need of a processor is not the server's. What the server spends on them is.

const (
	// besiegeAt holds the address of the server to besiege.
	besiegeAt = "POSTRIDER_TEST_BESIEGE"
	// attacksOnly has the names of the attacks to make, with commas between; empty for all.
	attacksOnly = "POSTRIDER_TEST_ATTACKS"

	// What the process says, each on a line of its own; the outcomes follow the second one.
	prepared = "PREPARED"
	outcomes = "OUTCOMES "
)

// besiege is that process: it prepares its attacks, begins them when it is sent a line, and ends when its input does. It returns
// the exit code.
func besiege(address string) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	b, err := newBesieger(ctx, &server{address: address}, chosenAttacks())
	if err == nil {
		err = b.prepare(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "besieger:", err)
		return 1
	}
	fmt.Println(prepared)
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		return 0 // The test ended before the siege began.
	}
	go func() {
		_, _ = io.Copy(io.Discard, input)
		stop()
	}()
	b.attack(ctx)
	report, _ := json.Marshal(b.outcomes) // of maps of numbers it never fails
	fmt.Println(outcomes + string(report))
	return 0
}

func chosenAttacks() []attack {
	only := os.Getenv(attacksOnly)
	if only == "" {
		return attacks
	}
	return slices.DeleteFunc(slices.Clone(attacks), func(a attack) bool { return !slices.Contains(strings.Split(only, ","), a.name) })
}

// siege is a besieger at work.
type siege struct {
	t        *testing.T
	input    io.WriteCloser
	output   *bufio.Scanner
	outcomes map[string]map[string]int
}

// prepareSiege starts the besieger and waits until it is prepared.
func prepareSiege(t *testing.T, s *server) *siege {
	t.Helper()
	cmd := exec.Command("nice", "-n", "19", os.Args[0])
	cmd.Env = append(os.Environ(), besiegeAt+"="+s.address)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = input.Close(); _ = cmd.Wait() })
	b := &siege{t: t, input: input, output: bufio.NewScanner(output)}
	b.await(prepared)
	return b
}

// await returns the line that begins with some text.
func (b *siege) await(begin string) string {
	b.t.Helper()
	var said []string
	for b.output.Scan() {
		if strings.HasPrefix(b.output.Text(), begin) {
			return b.output.Text()
		}
		said = append(said, b.output.Text())
	}
	b.t.Fatalf("the besieger ended without %q:\n%s", begin, strings.Join(said, "\n"))
	return ""
}

func (b *siege) begin() {
	b.t.Helper()
	if _, err := io.WriteString(b.input, "\n"); err != nil {
		b.t.Fatal(err)
	}
}

// lift ends the attacks. It fails the test when one did nothing, for then the siege has shown nothing of it.
func (b *siege) lift() {
	b.t.Helper()
	_ = b.input.Close()
	report := strings.TrimPrefix(b.await(outcomes), outcomes)
	parse(b.t, []byte(report), &b.outcomes)
	for _, a := range chosenAttacks() {
		if len(b.outcomes[a.name]) == 0 {
			b.t.Errorf("the attack %q did nothing", a.name)
		}
	}
}

func (b *siege) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(b.outcomes)) {
		parts = append(parts, fmt.Sprintf("%s %v", name, b.outcomes[name]))
	}
	return strings.Join(parts, ", ")
}
