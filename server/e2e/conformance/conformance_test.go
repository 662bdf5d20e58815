// Package conformance_test runs the Connect conformance suite against a server assembled like Postrider's own: the port with its
// limits, deadlines and CORS, authentication, codecs and interceptors. Only the service behind them is the suite's.
package conformance_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/e2e/tally"
)

const adminKey = "conformance-admin-key-0123456789"

func TestMain(m *testing.M) {
	if data := os.Getenv(serverVariable); data != "" {
		if err := serve(data); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	t.Parallel()
	report := runSuite(t, conformanceRunner(t))
	passed, different := count(passedCount, report), count(failedCount, report)
	if passed == 0 {
		t.Errorf("the suite passed nothing:\n%s", report)
	}
	// Those known to fail do so for the reasons we know of.
	large, types, broken := strings.Count(report, refusal), len(wrongType.FindAllString(report, -1)), len(unread.FindAllString(report, -1))
	if large+types+broken != different {
		t.Errorf("%d of %d cases known to fail are refused as too large, %d for their type, %d as malformed:\n%s",
			large, different, types, broken, report)
	}
	tally.Print(t, "%d cases passed, in %d a message over the limit was refused in our own words, in %d an unknown type, in %d "+
		"a message that cannot be read", passed, large, types, broken)
}

// conformanceRunner returns the program that tools/with-services builds. Without it the test is skipped, in CI it fails.
func conformanceRunner(t *testing.T) string {
	t.Helper()
	runner := os.Getenv("POSTRIDER_TEST_CONFORMANCE")
	if runner == "" && os.Getenv("CI") == "true" {
		t.Fatal("there is no conformance suite: run through tools/with-services conformance, or set POSTRIDER_TEST_CONFORMANCE")
	}
	if runner == "" {
		t.Skip("SKIPPED: there is no conformance suite; run through tools/with-services conformance, or set POSTRIDER_TEST_CONFORMANCE")
	}
	return runner
}

// runSuite runs the suite against servers that are processes of this test binary, and returns its report.
func runSuite(t *testing.T, runner string) string {
	t.Helper()
	command := exec.Command(runner, "--mode", "server", "--conf", "testdata/config.yaml",
		"--known-failing", "@testdata/known-failing.txt", "--known-flaky", "@testdata/known-flaky.txt", "--", os.Args[0])
	command.Env = append(os.Environ(), serverVariable+"="+t.TempDir())
	var report, logs bytes.Buffer
	command.Stdout, command.Stderr = &report, &logs
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, logs.String(), report.String())
	}
	return report.String()
}

var (
	passedCount = regexp.MustCompile(`(?m)^(\d+) passed, 0 failed$`)
	wrongType   = regexp.MustCompile(`(?m)/unexpected-(codec|content-type) failed \(as expected\)`)
	// unread are the cases of messages that cannot be read, and what they are answered. The suite does not know the types of
	// the details, and sometimes says so first.
	unread = regexp.MustCompile(`(?m)/incomplete-message(-prefix)? failed \(as expected\):\n(\s*connect error JSON: .*\n)?\W*actual error contain 2 details|` +
		`actual error \{code: 3 \(invalid_argument\), message: "request: a message is marked as compressed`)
	failedCount = regexp.MustCompile(`(?m)^\(Another (\d+) failed as expected`)
)

// refusal is what a message over the limit is answered, as the contract has it.
const refusal = `actual error {code: 3 (invalid_argument), message: "request: has 204810 bytes, the limit is 204800"}`

func count(pattern *regexp.Regexp, report string) int {
	found := pattern.FindStringSubmatch(report)
	if found == nil {
		return 0
	}
	number, _ := strconv.Atoi(found[1])
	return number
}
