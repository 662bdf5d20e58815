//go:build !race

package signature_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/client/signature"
)

// The race detector makes pools forget on purpose, so this runs without it.
func TestSignAllocatesOnlyItsResult(t *testing.T) {
	signer := signature.NewSigner(secretOf(t, vectorSecret))
	body, at := []byte(vectorBody), time.Unix(vectorSeconds, 0)
	signer.Sign(vectorID, at, body)
	if n := testing.AllocsPerRun(100, func() { signer.Sign(vectorID, at, body) }); n > 1 {
		t.Errorf("Sign allocates %v times", n)
	}
}
