package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// mail writes .proto files into a folder: a marked message, which imports another file, and an unmarked one.
func mail(t *testing.T, fields string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	write(t, folder, "mail/v1/parcel.proto", `syntax = "proto3";
package mail.v1;
import "mail/v1/route.proto";
import "postrider/v1/option.proto";

// A parcel was sent.
message ParcelSent {
  option (postrider.v1.event) = {};
  string parcel_id = 1;
  Route route = 2;
  `+fields+`
}

message ParcelLost {
  string parcel_id = 1;
}
`)
	write(t, folder, "mail/v1/route.proto", "syntax = \"proto3\";\npackage mail.v1;\nmessage Route {\n  string depot = 1;\n}\n")
	write(t, folder, "node_modules/broken.proto", "no proto at all")
	return folder
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	file := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPushAndCheckTypes(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	first := mail(t, "")
	steps := []struct {
		args []string
		code int
		says string
	}{
		{[]string{"check", first}, exitOK, "mail.v1.ParcelSent: new, version 1\n"},
		{[]string{"push", first, "--level", "warn"}, exitOK, "mail.v1.ParcelSent: new, version 1\n"},
		{[]string{"push", first}, exitOK, "mail.v1.ParcelSent: unchanged, version 1\n"},
		{[]string{"push", first, "--type", "mail.v1.ParcelLost=parcel.lost"}, exitOK, "parcel.lost: new, version 1\n"},
		{[]string{"check", first, "--all"}, exitOK, "mail.v1.Route: new, version 1\n"},
		{[]string{"check", mail(t, "int64 grams = 3;")}, exitOK, "  + int64 grams = 3;\n"},
		{[]string{"push", mail(t, "int64 grams = 3;")}, exitOK, "mail.v1.ParcelSent: version 2\n"},
		{[]string{"check", mail(t, "string grams = 3;")}, exitRefused, "breaking: mail/v1/parcel.proto:11:"},
		{[]string{"push", mail(t, "string grams = 3;")}, exitRefused, "(FIELD_RETYPED)\n"},
		{[]string{"push", mail(t, "string grams = 3;"), "--json"}, exitRefused, `"rule":"INCOMPATIBILITY_RULE_FIELD_RETYPED"`},
		{[]string{"push", mail(t, "string grams = 3;"), "--allow-breaking"}, exitOK, "mail.v1.ParcelSent: version 3\n"},
	}
	for _, step := range steps {
		got := i.run("", append([]string{"types"}, step.args...)...)
		if got.code != step.code || !strings.Contains(got.stdout, step.says) {
			t.Errorf("types %v: exit %d, %s%s, want %d and %q", step.args, got.code, got.stdout, got.stderr, step.code, step.says)
		}
	}
	if list := i.must("", "types", "list"); !strings.Contains(list, "mail.v1.ParcelSent") || !strings.Contains(list, "warn") || !strings.Contains(list, "A parcel was sent.") {
		t.Errorf("list %s", list)
	}
	if diff := i.must("", "types", "diff", "mail.v1.ParcelSent", "1", "2"); !strings.Contains(diff, "version 1 to 2\nmail.v1.ParcelSent.grams\n  + int64 grams = 3;\n") {
		t.Errorf("diff %s", diff)
	}
	if diff := i.must("", "types", "diff", "mail.v1.ParcelSent"); !strings.Contains(diff, "  - int64 grams = 3;\n  + string grams = 3;\n  breaking: ") {
		t.Errorf("diff %s", diff)
	}
}

func TestPushFromFilesAndStandardInput(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	set, err := os.ReadFile("../../../gen/descriptors/shop.v1.binpb")
	if err != nil {
		t.Fatal(err)
	}
	if out := i.must(string(set), "types", "check", "-", "--all"); !strings.Contains(out, "shop.v1.Money: unchanged, version 1\n") {
		t.Errorf("standard input: %s", out)
	}
	if out := i.must("", "types", "check", "../../../gen/descriptors/shop.v1.binpb", "--type", "shop.v1.Money=money"); !strings.Contains(out, "money: new, version 1\n") {
		t.Errorf("a descriptor file: %s", out)
	}
	alone := t.TempDir()
	write(t, alone, "alone.proto", "syntax = \"proto3\";\nmessage Alone {\n  string a = 1;\n}\n")
	if out := i.must("", "types", "push", filepath.Join(alone, "alone.proto"), "--type", "Alone"); !strings.Contains(out, "Alone: new, version 1\n") {
		t.Errorf("one .proto file: %s", out)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"push", t.TempDir()}, exitFailed, ".proto"},
		{[]string{"push", "/nowhere/at-all"}, exitFailed, "/nowhere/at-all"},
		{[]string{"push", "-"}, exitFailed, "standard input"},
		{[]string{"push"}, exitUsage, "schemas"},
		{[]string{"push", alone, "--level", "strict"}, exitUsage, "--level"},
		{[]string{"push", alone, "--type", "Nobody"}, exitRefused, "Nobody"},
		{[]string{"diff", "Alone", "one"}, exitUsage, "one"},
		{[]string{"level", "Alone", "strict"}, exitUsage, "strict"},
		{[]string{"show", "Nobody"}, exitRefused, "Nobody"},
		{[]string{"delete", "Nobody"}, exitRefused, "Nobody"},
		{[]string{"pull", t.TempDir(), "--types", "no.*"}, exitFailed, "no such"},
	} {
		if got := i.run("", append([]string{"types"}, test.args...)...); got.code != test.code || !strings.Contains(got.stderr, test.says) {
			t.Errorf("types %v: exit %d, %s, want %d and %q", test.args, got.code, got.stderr, test.code, test.says)
		}
	}
}

// TestPushAFileWithImportsInSingleQuotes sends what the file imports from the current folder, however that is written.
func TestPushAFileWithImportsInSingleQuotes(t *testing.T) {
	i := newInstance(t)
	quoted := mail(t, "")
	write(t, quoted, "mail/v1/quoted.proto", "syntax = \"proto3\";\nimport\n  'mail/v1/route.proto';\nmessage Quoted {\n  mail.v1.Route route = 1;\n}\n")
	t.Chdir(quoted)
	if out := i.must("", "types", "push", "mail/v1/quoted.proto", "--type", "Quoted"); !strings.Contains(out, "Quoted: new, version 1\n") {
		t.Errorf("an import in single quotes: %s", out)
	}
}

func TestShowLevelAndDeleteTypes(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "tenants", "create", "acme")
	i.must("", "types", "push", mail(t, ""))
	const kind = "mail.v1.ParcelSent"
	for _, step := range []struct{ args, want string }{
		{"level " + kind + " off", kind + " is off\n"},
		{"level " + kind + " warn --tenant acme", kind + " is warn\n"},
		{"level " + kind + " default --tenant acme", kind + " is off\n"},
		{"level " + kind + " enforce", kind + " is enforce\n"},
	} {
		if out := i.must("", append([]string{"types"}, strings.Fields(step.args)...)...); out != step.want {
			t.Errorf("%s prints %q", step.args, out)
		}
	}
	if refused := i.run("", "publish", kind, `{"weight":1}`); refused.code != exitRefused || !strings.Contains(refused.stderr, "event.data.weight") {
		t.Errorf("publish: %+v", refused)
	}
	shown := i.must("", "types", "show", kind)
	for _, want := range []string{kind + ", version 1 of 1, enforce\nA parcel was sent.\n", "message ParcelSent {", `"parcelId"`, "0 events in 24 hours; since the server started 0 marked, 1 refused"} {
		if !strings.Contains(shown, want) {
			t.Errorf("show prints %s, want %q", shown, want)
		}
	}
	if out := i.must("", "types", "show", kind, "--json"); !strings.Contains(out, `"jsonSchemaPath":"/v1/schemas/mail.v1.ParcelSent/1.json"`) {
		t.Errorf("as JSON: %s", out)
	}
	if out := i.must("", "types", "delete", kind); out != kind+" is deleted\n" {
		t.Errorf("delete prints %q", out)
	}
}

func TestPullTypes(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "types", "push", mail(t, ""))
	folder := filepath.Join(t.TempDir(), "events")
	if out := i.must("", "types", "pull", folder, "--types", "mail.*", "--go-prefix", "example.com/gen/go"); out != "1 event types in 2 files written to "+folder+"\n" {
		t.Errorf("pull prints %q", out)
	}
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
		}
		return string(content)
	}
	if source := read("proto/mail/v1/parcel.proto"); !strings.Contains(source, "// A parcel was sent.\nmessage ParcelSent {") {
		t.Errorf("source %s", source)
	}
	read("proto/mail/v1/route.proto")
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal([]byte(read("schemas.binpb")), set); err != nil || len(set.GetFile()) < 3 {
		t.Errorf("descriptors: %d files, %v", len(set.GetFile()), err)
	}
	if template := read("buf.gen.yaml"); !strings.Contains(template, "schemas.binpb") || !strings.Contains(template, "value: example.com/gen/go") {
		t.Errorf("template %s", template)
	}
	// What was pulled can be pushed again.
	if out := i.must("", "types", "push", filepath.Join(folder, "proto")); out != "mail.v1.ParcelSent: unchanged, version 1\n" {
		t.Errorf("pushed again: %s", out)
	}
	write(t, folder, "buf.gen.yaml", "mine")
	if got := i.run("", "types", "pull", folder); got.code != exitOK || !strings.Contains(got.stderr, "next: cd "+folder+" && npm install @postrider/client ") {
		t.Errorf("pull does not show what comes next: %s", got.stderr)
	}
	if read("buf.gen.yaml") != "mine" {
		t.Error("pull overwrote a template that was changed")
	}
}

// An expression that compiles for some types is accepted; which ones it leaves out is said.
func TestFiltersThatLeaveTypesOut(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	warning := "no event of type shop.v1.OrderCancelled will match: expression 1:12: undefined field 'amount'"
	created := i.run("", "subscriptions", "create", "large", "--url", "http://127.0.0.1:1/a",
		"--types", "shop.v1.OrderPaid,shop.v1.OrderCancelled", "--expression", "event.data.amount.minor_units > 5")
	if created.code != exitOK || !strings.Contains(created.stderr, warning) || strings.Contains(created.stderr, "OrderPaid") {
		t.Errorf("create: %+v", created)
	}
	updated := i.run("", "subscriptions", "update", "large", "--types", "shop.v1.OrderPaid")
	if updated.code != exitOK || updated.stderr != "" {
		t.Errorf("update: %+v", updated)
	}
}

func TestUpdateSubscription(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "subscriptions", "create", "billing", "--url", "http://127.0.0.1:1/a", "--types", "a.*", "--header", "X-A: 1", "--retry", "1s")
	for _, step := range []struct {
		args []string
		want []string
	}{
		{[]string{"--url", "http://127.0.0.1:1/b"}, []string{`"url":"http://127.0.0.1:1/b"`, `"X-A"`, `"types":["a.*"]`}},
		{[]string{"--types", "b.*", "--expression", "event.subject == 'x'"}, []string{`"types":["b.*"]`, `"expression":"event.subject == 'x'"`}},
		{[]string{"--expression", "", "--concurrency", "3", "--name", "bills"}, []string{`"name":"bills"`, `"concurrency":3`, `"retrySchedule":["1s"]`, `"types":["b.*"]`}},
	} {
		name := "billing"
		out := i.must("", append([]string{"subscriptions", "update", name, "--json"}, step.args...)...)
		for _, want := range step.want {
			if !strings.Contains(out, want) {
				t.Errorf("update %v prints %s, want %s", step.args, out, want)
			}
		}
	}
	if out := i.must("", "subscriptions", "update", "bills", "--retry", "", "--concurrency", "0", "--json"); !strings.Contains(out, `"policy":{}`) {
		t.Errorf("retries and concurrency were not taken back: %s", out)
	}
	if out := i.must("", "subscriptions", "get", "bills", "--json"); strings.Contains(out, "expression") {
		t.Errorf("the expression was not taken back: %s", out)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"bills"}, exitUsage, "flag"},
		{[]string{"bills", "--header", "x"}, exitUsage, "--header"},
		{[]string{"bills", "--url", ""}, exitUsage, "--url"},
		{[]string{"bills", "--retry", "1s,"}, exitUsage, "--retry"},
		{[]string{"bills", "--timeout", "-1s"}, exitRefused, "subscription.policy.timeout"},
		{[]string{"nobody", "--description", "x"}, exitRefused, "nobody"},
		{[]string{"bills", "--types", "a b"}, exitRefused, "subscription.filter.types"},
	} {
		if got := i.run("", append([]string{"subscriptions", "update"}, test.args...)...); got.code != test.code || !strings.Contains(got.stderr, test.says) {
			t.Errorf("update %v: exit %d, %s, want %d and %q", test.args, got.code, got.stderr, test.code, test.says)
		}
	}
}
