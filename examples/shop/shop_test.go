// Package main_test tests the shop as its users see it: it starts the shop and reads the output of each part.
package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAnOrderGoesThroughEveryPart runs the shop for one order and its payment.
func TestAnOrderGoesThroughEveryPart(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-orders", "1")
	page := s.await(t, `^page +(\S+)$`)
	order := s.await(t, `^producer +order (\d+) is placed$`)
	ledger := s.await(t, `^consumer +order `+order+` is booked as (\d{16}): owed \d+\.\d\d EUR$`)
	s.await(t, `^receiver +order `+order+` is invoiced over \d+\.\d\d EUR as `+ledger+` \(created:`+order+`\)$`)
	s.await(t, `^producer +order `+order+` is paid$`)
	s.await(t, `^consumer +order `+order+` is settled: owed 0\.00 EUR$`)
	s.await(t, `^receiver +order `+order+` is paid by card$`)
	t.Run("page", func(t *testing.T) {
		row := look(t, page)
		want := regexp.MustCompile(`^` + order + ` \| ` + ledger + ` \| \d+\.\d\d EUR \| paid by visa$`)
		if !want.MatchString(row) {
			t.Errorf("the page shows %q, want %s", row, want)
		}
	})
}

func startShop(t *testing.T, flags ...string) *program {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "shop")
	if text, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	for _, built := range []string{"dist/page/index.html", "dist/receiver/main.js"} {
		if _, err := os.Stat(built); err != nil {
			t.Fatalf("%v (make test-go builds it)", err)
		}
	}
	flags = append([]string{"-listen", "127.0.0.1:0", "-page", "127.0.0.1:0"}, flags...)
	return startProgram(t, "../..", nil, binary, flags...)
}

// look answers what the page shows in Chromium of the first paid order.
func look(t *testing.T, url string) string {
	t.Helper()
	cmd := exec.Command("node", "testdata/look.mjs", url, chromium(t))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	row, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("look at the page: %v\n%s", err, &complaints)
	}
	return strings.TrimSpace(string(row))
}

// chromium answers the browser that tools/with-services found. Without one the test is skipped, in CI it fails.
func chromium(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("POSTRIDER_TEST_CHROMIUM"); given != "" {
		return given
	}
	if path, err := exec.LookPath("chromium"); err == nil {
		return path
	}
	const missing = "there is no Chromium: install one or set POSTRIDER_TEST_CHROMIUM"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	fmt.Println("SKIPPED: " + missing)
	t.Skip(missing)
	return ""
}
