package compile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// TestPanicsOfSchemasAreErrors expects a panic to become an error that names the place of the panic.
func TestPanicsOfSchemasAreErrors(t *testing.T) {
	t.Parallel()
	work := func() (err error) {
		defer compile.Recover(&err, "compare")
		var none *schema.Type
		_ = none.Name()
		return nil
	}
	err := work()
	var panicked *compile.PanicError
	if !errors.As(err, &panicked) || panicked.Doing != "compare" || !strings.HasPrefix(panicked.Place, "schema/type.go:") {
		t.Errorf("%v", err)
	}
}
