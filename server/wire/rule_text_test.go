package wire_test

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/wire"
)

// Who broke a pattern was shown a regular expression, and "must be at least 1 characters" for a field that was left empty.
func TestBrokenRulesAreSaidInWords(t *testing.T) {
	t.Parallel()
	requests, err := wire.NewRequests()
	if err != nil {
		t.Fatal(err)
	}
	webhook := func(name, url string) *postriderv1.CreateSubscriptionRequest {
		return &postriderv1.CreateSubscriptionRequest{Subscription: &postriderv1.Subscription{
			Name: name, Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: url}}},
		}}
	}
	for request, want := range map[*postriderv1.CreateSubscriptionRequest]string{
		webhook("Größe", "http://a.example"): "subscription.name: must be 1 to 100 of a-z, A-Z, 0-9, space, . _ and -, and begin with a letter or digit",
		webhook("a", ""): "subscription.target.webhook.url: must not be empty; " +
			"subscription.target.webhook.url: value is empty, which is not a valid URI",
	} {
		if err := requests.Check(request); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestEveryPatternOfTheContractIsSaidInWords(t *testing.T) {
	t.Parallel()
	found := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "postrider.") {
			return true
		}
		for _, pattern := range patternsOf(t, file.Messages()) {
			if found++; wire.PatternText(pattern) == "" {
				t.Errorf("%s has the pattern %s, which is not said in words", file.Path(), pattern)
			}
		}
		return true
	})
	if found < 10 {
		t.Errorf("the contract has %d patterns; are they still found?", found)
	}
}

func patternsOf(t *testing.T, messages protoreflect.MessageDescriptors) (patterns []string) {
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for k := range fields.Len() {
			rules, err := protovalidate.ResolveFieldRules(fields.Get(k))
			if err != nil {
				t.Fatal(err)
			}
			for _, of := range []*validate.FieldRules{
				rules, rules.GetRepeated().GetItems(), rules.GetMap().GetKeys(), rules.GetMap().GetValues(),
			} {
				if pattern := of.GetString().GetPattern(); pattern != "" {
					patterns = append(patterns, pattern)
				}
			}
		}
		patterns = append(patterns, patternsOf(t, messages.Get(i).Messages())...)
	}
	return patterns
}
