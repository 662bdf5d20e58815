package target_test

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/target"
)

type namedType struct {
	target.Type
	name string
}

func (t namedType) Name() string { return t.name }

func TestRegistry(t *testing.T) {
	t.Parallel()
	r := target.NewRegistry(namedType{name: "webhook"}, namedType{name: "queue"})
	if got, err := r.Type("queue"); err != nil || got.Name() != "queue" {
		t.Errorf("Type = %v, %v", got, err)
	}
	for _, name := range []string{"", "Webhook", "kafka"} {
		if _, err := r.New(name, target.Spec{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New(%q) = %v", name, err)
		}
	}
}
