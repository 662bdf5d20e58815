package e2e_test

import (
	"os"
	"testing"
)

// maxProgram is the size that bin/postrider may have. It has about 34 MB. It grows by a half when a package finds methods by a name that
// the linker does not know, as text/template does: then the linker keeps every exported method of every type.
const maxProgram = 45 << 20

func TestTheProgramIsSmall(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(binaryPath(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxProgram {
		t.Errorf("bin/postrider has %d MB, at most %d are expected", info.Size()>>20, maxProgram>>20)
	}
}
