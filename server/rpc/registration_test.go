package rpc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// parcel is a schema in the making: its fields, in a file of its own.
func parcel(fields ...string) []*postriderv1.SourceFile {
	return []*postriderv1.SourceFile{{Path: "mail/v1/parcel.proto", Content: `syntax = "proto3";
package mail.v1;
import "buf/validate/validate.proto";
import "postrider/v1/option.proto";

// A parcel was sent.
message ParcelSent {
  option (postrider.v1.event) = {subject: "parcel_id", ordering_key: "route.depot"};
  ` + strings.Join(fields, "\n  ") + `
}

message Route {
  string depot = 1;
}
`}}
}

const (
	parcelType = "mail.v1.ParcelSent"
	parcelID   = "string parcel_id = 1;"
	grams      = "int64 grams = 2;"
	route      = "Route route = 3;"
)

func register(files []*postriderv1.SourceFile, change ...func(*postriderv1.RegisterEventTypesRequest)) *connect.Request[postriderv1.RegisterEventTypesRequest] {
	request := &postriderv1.RegisterEventTypesRequest{Files: files}
	for _, f := range change {
		f(request)
	}
	return connect.NewRequest(request)
}

func dryRun(r *postriderv1.RegisterEventTypesRequest)        { r.DryRun = true }
func allowBreaking(r *postriderv1.RegisterEventTypesRequest) { r.AllowBreaking = true }

// registered registers and returns the report, which must be of one type.
func (w *world) registered(request *connect.Request[postriderv1.RegisterEventTypesRequest]) *postriderv1.TypeReport {
	w.t.Helper()
	response, err := w.admin().types.RegisterEventTypes(w.t.Context(), request)
	if err != nil {
		w.t.Fatal(err)
	}
	types := response.Msg.GetReport().GetTypes()
	if len(types) != 1 {
		w.t.Fatalf("report %v, want one type", types)
	}
	return types[0]
}

// refusal returns the report that a refused registration carries.
func refusal(t *testing.T, err error) *postriderv1.TypeReport {
	t.Helper()
	var fault *connect.Error
	if codeOf(err) != "failed_precondition" || !errors.As(err, &fault) {
		t.Fatalf("error %v, want failed_precondition", err)
	}
	for _, detail := range fault.Details() {
		value, err := detail.Value()
		if report, ok := value.(*postriderv1.SchemaReport); ok && err == nil && len(report.GetTypes()) == 1 {
			return report.GetTypes()[0]
		}
	}
	t.Fatalf("error %v has no report", err)
	return nil
}

func rules(report *postriderv1.TypeReport) string {
	var found []string
	for _, one := range report.GetIncompatibilities() {
		rule := strings.TrimPrefix(one.GetRule().String(), "INCOMPATIBILITY_RULE_")
		found = append(found, fmt.Sprintf("%s %s:%d", rule, one.GetElement(), one.GetPosition().GetLine()))
	}
	return strings.Join(found, ", ")
}

func TestRegisterVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	steps := []struct {
		name    string
		fields  []string
		change  []func(*postriderv1.RegisterEventTypesRequest)
		want    postriderv1.TypeChange
		version int32
		rules   string
	}{
		{"dry run", []string{parcelID, route}, []func(*postriderv1.RegisterEventTypesRequest){dryRun}, postriderv1.TypeChange_TYPE_CHANGE_NEW_TYPE, 1, ""},
		{"first", []string{parcelID, route}, nil, postriderv1.TypeChange_TYPE_CHANGE_NEW_TYPE, 1, ""},
		{"again", []string{parcelID, route}, nil, postriderv1.TypeChange_TYPE_CHANGE_UNCHANGED, 1, ""},
		{"other comment", []string{"// The id.", parcelID, route}, nil, postriderv1.TypeChange_TYPE_CHANGE_UNCHANGED, 1, ""},
		{"a field more", []string{parcelID, grams, route}, nil, postriderv1.TypeChange_TYPE_CHANGE_NEW_VERSION, 2, ""},
		{
			"retyped, dry run",
			[]string{parcelID, "string grams = 2;", route},
			[]func(*postriderv1.RegisterEventTypesRequest){dryRun},
			postriderv1.TypeChange_TYPE_CHANGE_NEW_VERSION, 3, "FIELD_RETYPED mail.v1.ParcelSent.grams:10",
		},
		{
			"removed all the same",
			[]string{parcelID, route},
			[]func(*postriderv1.RegisterEventTypesRequest){allowBreaking},
			postriderv1.TypeChange_TYPE_CHANGE_NEW_VERSION, 3, "FIELD_REMOVED mail.v1.ParcelSent.grams:7",
		},
	}
	for _, step := range steps {
		report := w.registered(register(parcel(step.fields...), step.change...))
		if report.GetType() != parcelType || report.GetMessage() != parcelType || report.GetChange() != step.want ||
			report.GetVersion() != step.version || rules(report) != step.rules {
			t.Errorf("%s: %v, version %d, %q; want %v, %d, %q", step.name, report.GetChange(), report.GetVersion(), rules(report), step.want, step.version, step.rules)
		}
	}
	versions := w.eventType(parcelType, "").GetVersions()
	if len(versions) != 3 || versions[0].GetVersion() != 3 || versions[0].GetJsonSchemaPath() != "/v1/schemas/mail.v1.ParcelSent/3.json" {
		t.Errorf("versions %v", versions)
	}
}

func TestIncompatibleSchemasAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route)))
	_, err := w.admin().types.RegisterEventTypes(t.Context(), register(parcel(parcelID, "string weight = 2;", route)))
	report := refusal(t, err)
	if got := rules(report); !strings.Contains(got, "FIELD_RETYPED") && !strings.Contains(got, "FIELD_JSON_NAME") {
		t.Errorf("rules %s", got)
	}
	if position := report.GetIncompatibilities()[0].GetPosition(); position.GetFile() != "mail/v1/parcel.proto" || position.GetLine() == 0 {
		t.Errorf("position %v", position)
	}
	if !strings.Contains(err.Error(), "mail/v1/parcel.proto:") || len(report.GetChanges()) == 0 {
		t.Errorf("%v, changes %v", err, report.GetChanges())
	}
	if got := w.eventType(parcelType, "").GetEventType().GetLatestVersion(); got != 1 {
		t.Errorf("latest version %d", got)
	}
	w.publish(parcelType, `{"parcelId":"p","grams":"7"}`)
}

// Stored events tell whether a rule that became stricter would have refused them.
func TestStricterRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route)))
	for i := range 5 {
		w.publish(parcelType, fmt.Sprintf(`{"parcelId":"p%d","grams":"%d"}`, i, i*100))
	}
	limited := func(limit int) []*postriderv1.SourceFile {
		return parcel(parcelID, fmt.Sprintf("int64 grams = 2 [(buf.validate.field).int64.lte = %d];", limit), route)
	}
	_, err := w.admin().types.RegisterEventTypes(t.Context(), register(limited(250)))
	report := refusal(t, err)
	message := report.GetIncompatibilities()[0].GetMessage()
	if rules(report) != "STRICTER_RULE mail.v1.ParcelSent.grams:10" || report.GetSampledEvents() != 5 ||
		!strings.Contains(message, "2 of the 5 newest") || !strings.Contains(message, "less than or equal to 250") {
		t.Errorf("report %v", report)
	}
	if report := w.registered(register(limited(400))); report.GetVersion() != 2 || report.GetSampledEvents() != 5 {
		t.Errorf("a rule that all events keep: %v", report)
	}
	list := func(rule string) []*postriderv1.SourceFile {
		return parcel(parcelID, grams, route, "repeated string notes = 4"+rule+";")
	}
	w.registered(register(list("")))
	w.publish(parcelType, `{"parcelId":"p","notes":["long enough","short"]}`)
	_, err = w.admin().types.RegisterEventTypes(t.Context(), register(list("[(buf.validate.field).repeated.items.string.min_len = 6]")))
	if got := rules(refusal(t, err)); got != "STRICTER_RULE mail.v1.ParcelSent.notes:12" {
		t.Errorf("in a list: %s", got)
	}
}

func TestFiltersThatWouldBreak(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route)))
	heavy := webhook("heavy", "http://127.0.0.1:1/")
	heavy.Filter = &postriderv1.Filter{Types: []string{parcelType}, Expression: "event.data.grams > 1000"}
	_, err := w.admin().subscriptions.CreateSubscription(t.Context(), connect.NewRequest(&postriderv1.CreateSubscriptionRequest{Subscription: heavy}))
	if err != nil {
		t.Fatal(err)
	}
	reserved := parcel(parcelID, route, `reserved 2;`, `reserved "grams";`)
	_, err = w.admin().types.RegisterEventTypes(t.Context(), register(reserved))
	report := refusal(t, err)
	if len(report.GetSubscriptions()) != 1 || !strings.HasPrefix(rules(report), "FILTER mail.v1.ParcelSent") {
		t.Fatalf("report %v", report)
	}
	if hit := report.GetSubscriptions()[0]; hit.GetName() != "heavy" || hit.GetTenant() != "default" || !strings.Contains(hit.GetReason(), "grams") {
		t.Errorf("hit %v", hit)
	}
	subscribers := w.eventType(parcelType, "").GetSubscribers()
	if len(subscribers) != 1 || subscribers[0].GetName() != "heavy" || subscribers[0].GetFilterError() != "" {
		t.Errorf("subscribers %v", subscribers)
	}
	w.registered(register(reserved, allowBreaking))
	if broken := w.eventType(parcelType, "").GetSubscribers(); broken[0].GetFilterError() == "" {
		t.Errorf("subscribers %v", broken)
	}
}

// Filters may be there before their type is.
func TestANewTypeThatAFilterDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	early := webhook("early", "http://127.0.0.1:1/")
	early.Filter = &postriderv1.Filter{Types: []string{parcelType}, Expression: "event.data.grams > 1000"}
	_, err := w.admin().subscriptions.CreateSubscription(t.Context(), connect.NewRequest(&postriderv1.CreateSubscriptionRequest{Subscription: early}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.admin().types.RegisterEventTypes(t.Context(), register(parcel(parcelID, route)))
	if report := refusal(t, err); len(report.GetSubscriptions()) != 1 || !strings.Contains(err.Error(), "incompatible with what is there") {
		t.Errorf("%v, report %v", err, report)
	}
	w.registered(register(parcel(parcelID, grams, route)))
}

func TestSchemasThatCannotBeRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		request *postriderv1.RegisterEventTypesRequest
		reason  string
		want    string
	}{
		"nothing":        {&postriderv1.RegisterEventTypesRequest{}, "INVALID_FIELD", "exactly one of"},
		"not a set":      {&postriderv1.RegisterEventTypesRequest{DescriptorSet: []byte("hello")}, "INVALID_SCHEMA", "FileDescriptorSet"},
		"a syntax error": {&postriderv1.RegisterEventTypesRequest{Files: parcel("string parcel_id = ;")}, "INVALID_SCHEMA", "mail/v1/parcel.proto:9:"},
		"no such field":  {&postriderv1.RegisterEventTypesRequest{Files: parcel(parcelID)}, "INVALID_SCHEMA", "route"},
		"no such message": {
			&postriderv1.RegisterEventTypesRequest{
				Files: parcel(parcelID, route), Messages: []*postriderv1.MessageSelection{{Message: "mail.v1.Letter"}},
			}, "INVALID_SCHEMA", "mail.v1.Letter",
		},
	} {
		_, err := w.admin().types.RegisterEventTypes(t.Context(), connect.NewRequest(test.request))
		if codeOf(err) != "invalid_argument" || !strings.Contains(err.Error(), test.want) || reasonOf(err) != test.reason {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, reasonOf(err), test.reason, test.want)
		}
	}
}
