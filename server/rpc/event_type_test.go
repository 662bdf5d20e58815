package rpc_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
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

// registered registers and answers the report, which must be of one type.
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

// refusal answers the report that a refused registration carries.
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

func TestLevelsOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	acme, _ := w.key("acme", "acme", admin)
	w.registered(register(parcel(parcelID, grams, route)))
	const bad = `{"event":{"type":"mail.v1.ParcelSent","data":{"parcelId":"p","weight":1,"grams":"x"}}}`
	publish := func(key string) string {
		got := w.post("/postrider.v1.EventService/Publish", key, bad)
		if got.status == 200 {
			return "accepted"
		}
		return got.error(t).reason()
	}
	update := func(key, body string) answer {
		return w.post("/postrider.v1.EventTypeService/UpdateEventType", key, body)
	}
	steps := []struct{ key, body, ofAcme, ofDefault string }{
		{acme, `{"tenant":"acme","eventType":{"name":"mail.v1.ParcelSent","level":"ENFORCEMENT_LEVEL_WARN"}}`, "accepted", "SCHEMA_VIOLATION"},
		{adminKey, `{"eventType":{"name":"mail.v1.ParcelSent","level":"ENFORCEMENT_LEVEL_OFF"}}`, "accepted", "accepted"},
		{adminKey, `{"tenant":"acme","eventType":{"name":"mail.v1.ParcelSent","level":"ENFORCEMENT_LEVEL_ENFORCE"}}`, "SCHEMA_VIOLATION", "accepted"},
		{acme, `{"tenant":"acme","eventType":{"name":"mail.v1.ParcelSent"},"updateMask":"level"}`, "accepted", "accepted"},
		{adminKey, `{"eventType":{"name":"mail.v1.ParcelSent","level":"ENFORCEMENT_LEVEL_ENFORCE","deprecated":true,"deprecationNote":"use LetterSent"}}`, "SCHEMA_VIOLATION", "SCHEMA_VIOLATION"},
	}
	for _, step := range steps {
		if got := update(step.key, step.body); got.status != 200 {
			t.Fatalf("%s: %s", step.body, got.body)
		}
		if a, d := publish(acme), publish(adminKey); a != step.ofAcme || d != step.ofDefault {
			t.Errorf("%s: acme %s, default %s; want %s, %s", step.body, a, d, step.ofAcme, step.ofDefault)
		}
	}
	shown := w.eventType(parcelType, "")
	if kind := shown.GetEventType(); !kind.GetDeprecated() || kind.GetDeprecationNote() != "use LetterSent" || kind.GetRevision() != 6 {
		t.Errorf("type %v", kind)
	}
	if traffic := w.eventType(parcelType, "acme").GetTraffic(); traffic.GetWarned() != 2 || traffic.GetRefused() != 2 || traffic.GetEventsLastDay() != 3 || traffic.GetLastEventTime() == nil {
		t.Errorf("traffic %v", traffic)
	}
	for body, code := range map[string]string{
		`{"eventType":{"name":"mail.v1.ParcelSent","level":"ENFORCEMENT_LEVEL_OFF"}}`:                     "permission_denied",
		`{"tenant":"default","eventType":{"name":"mail.v1.ParcelSent","level":"ENFORCEMENT_LEVEL_OFF"}}`:  "not_found",
		`{"tenant":"acme","eventType":{"name":"mail.v1.ParcelSent","deprecated":true}}`:                   "invalid_argument",
		`{"tenant":"acme","eventType":{"name":"mail.v1.Letter","level":"ENFORCEMENT_LEVEL_OFF"}}`:         "not_found",
		`{"tenant":"acme","eventType":{"name":"mail.v1.ParcelSent","revision":"1"},"updateMask":"level"}`: "aborted",
		`{"tenant":"acme","eventType":{"name":"mail.v1.ParcelSent"},"updateMask":"message"}`:              "invalid_argument",
	} {
		if got := update(acme, body).error(t); got.Code != code {
			t.Errorf("%s: %s %s, want %s", body, got.Code, got.Message, code)
		}
	}
}

// What the schema cannot hold is text for readers of messages, and data for readers of JSON.
func TestInvalidData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route), func(r *postriderv1.RegisterEventTypesRequest) {
		r.Level = postriderv1.EnforcementLevel_ENFORCEMENT_LEVEL_WARN
	}))
	id := w.publish(parcelType, `{"parcelId":"p", "weight": 1.10}`).GetId()
	fits := w.publish(parcelType, `{"parcelId":"p","route":{"depot":"north"}}`).GetId()
	get := func(id string, options ...connect.ClientOption) *postriderv1.Event {
		response, err := w.as(adminKey, options...).events.GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{Id: id}))
		if err != nil {
			t.Fatal(err)
		}
		return response.Msg.GetEvent()
	}
	event := get(id)
	if event.GetInvalidData() != `{"parcelId":"p", "weight": 1.10}` || event.GetSchemaVersion() != 1 || len(event.GetViolations()) != 1 ||
		event.GetViolations()[0].GetField() != "data.weight" || event.GetSubject() != "" {
		t.Errorf("binary: %v", event)
	}
	text := w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"id":"`+id+`"}`).body
	if !strings.Contains(text, `"data":{"parcelId":"p", "weight": 1.10}`) || !strings.Contains(text, `"violations":[{"field":"data.weight"`) {
		t.Errorf("JSON: %s", text)
	}
	if event := get(fits); event.GetProtoData() == nil || event.GetSubject() != "p" || event.GetDataSchema() != "/v1/schemas/mail.v1.ParcelSent/1.json" {
		t.Errorf("one that fits: %v", event)
	}
	_, err := w.admin().events.Publish(t.Context(), connect.NewRequest(&postriderv1.PublishRequest{Event: &postriderv1.Event{
		Type: parcelType, Payload: &postriderv1.Event_ProtoData{ProtoData: &anypb.Any{TypeUrl: "x/" + parcelType, Value: []byte{0xff}}},
	}}))
	if codeOf(err) != "invalid_argument" {
		t.Errorf("a message that cannot be read: %v", err)
	}
}

func TestListDiffAndDeleteEventTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, route)))
	w.registered(register(parcel(parcelID, grams, route)))
	reader, _ := w.key("reader", "", publish)
	types := w.as(reader).types

	var names []string
	for token := ""; ; {
		page, err := types.ListEventTypes(t.Context(), connect.NewRequest(&postriderv1.ListEventTypesRequest{PageSize: 3, PageToken: token}))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page.Msg.GetEventTypes() {
			names = append(names, one.GetName())
		}
		if token = page.Msg.GetNextPageToken(); token == "" {
			break
		}
	}
	if !slices.IsSorted(names) || !slices.Contains(names, parcelType) || len(names) < 4 {
		t.Errorf("types %v", names)
	}
	diff, err := types.DiffEventType(t.Context(), connect.NewRequest(&postriderv1.DiffEventTypeRequest{Name: parcelType}))
	if err != nil || diff.Msg.GetFromVersion() != 1 || diff.Msg.GetToVersion() != 2 || len(diff.Msg.GetChanges()) != 1 ||
		diff.Msg.GetChanges()[0].GetAfter() != "int64 grams = 2;" || len(diff.Msg.GetIncompatibilities()) != 0 {
		t.Errorf("diff %v, %v", diff, err)
	}
	back, err := types.DiffEventType(t.Context(), connect.NewRequest(&postriderv1.DiffEventTypeRequest{Name: parcelType, FromVersion: 2, ToVersion: 1}))
	if err != nil || len(back.Msg.GetIncompatibilities()) != 1 {
		t.Errorf("diff back %v, %v", back, err)
	}
	for _, asked := range []*postriderv1.DiffEventTypeRequest{
		{Name: "none"}, {Name: parcelType, ToVersion: 9}, {Name: parcelType, FromVersion: 9},
	} {
		if _, err := types.DiffEventType(t.Context(), connect.NewRequest(asked)); codeOf(err) != "not_found" {
			t.Errorf("diff %v: %v", asked, err)
		}
	}
	if _, err := types.DiffEventType(t.Context(), connect.NewRequest(&postriderv1.DiffEventTypeRequest{Name: parcelType, ToVersion: 1})); codeOf(err) != "invalid_argument" {
		t.Errorf("diff of the first: %v", err)
	}

	remove := func(revision int64) error {
		_, err := w.admin().types.DeleteEventType(t.Context(), connect.NewRequest(&postriderv1.DeleteEventTypeRequest{Name: parcelType, Revision: revision}))
		return err
	}
	if err := remove(1); codeOf(err) != "aborted" {
		t.Errorf("delete another revision: %v", err)
	}
	if err := remove(2); err != nil {
		t.Error(err)
	}
	if err := remove(0); codeOf(err) != "not_found" {
		t.Errorf("delete again: %v", err)
	}
	// Now it is untyped.
	w.publish(parcelType, `{"anything":true}`)
	w.registered(register(parcel(parcelID, route)))
	if err := remove(0); codeOf(err) != "failed_precondition" || reasonOf(err) != "IN_USE" {
		t.Errorf("delete one that has events: %v", err)
	}
}

func TestDocumentationOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel("// What the label says.", "string parcel_id = 1 [(buf.validate.field).string.max_len = 20];", route)))
	shown := w.eventType(parcelType, "")
	documentation := shown.GetDocumentation()
	if shown.GetEventType().GetDescription() != "A parcel was sent." || documentation.GetVersion() != 1 || len(documentation.GetMessages()) != 2 {
		t.Fatalf("shown %v", shown)
	}
	field := documentation.GetMessages()[0].GetFields()[0]
	if field.GetName() != "parcel_id" || field.GetJsonName() != "parcelId" || field.GetComment() != "What the label says." || len(field.GetRules()) != 1 {
		t.Errorf("field %v", field)
	}
	if !strings.Contains(documentation.GetSource(), "message ParcelSent {") || documentation.GetExample() == "" {
		t.Errorf("documentation %v", documentation)
	}
}

func TestGetSchemas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, route)))
	w.registered(register(parcel(parcelID, grams, route)))
	get := func(request *postriderv1.GetSchemasRequest) (*postriderv1.GetSchemasResponse, error) {
		response, err := w.admin().types.GetSchemas(t.Context(), connect.NewRequest(request))
		if err != nil {
			return nil, err
		}
		return response.Msg, nil
	}
	all, err := get(&postriderv1.GetSchemasRequest{Sources: true})
	if err != nil {
		t.Fatal(err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(all.GetDescriptorSet(), set); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range set.GetFile() {
		for _, imported := range file.GetDependency() {
			if !seen[imported] {
				t.Errorf("%s comes before %s, which it imports", file.GetName(), imported)
			}
		}
		seen[file.GetName()] = true
	}
	if !seen["mail/v1/parcel.proto"] || !seen["shop/v1/money.proto"] {
		t.Errorf("files %v", seen)
	}
	text := map[string]string{}
	for _, file := range all.GetFiles() {
		text[file.GetPath()] = file.GetContent()
	}
	if !strings.Contains(text["mail/v1/parcel.proto"], "int64 grams = 2;") || text["buf/validate/validate.proto"] != "" {
		t.Errorf("sources %v", text)
	}
	if at := slices.IndexFunc(all.GetTypes(), func(m *postriderv1.TypeMessage) bool { return m.GetType() == parcelType }); at < 0 ||
		all.GetTypes()[at].GetMessage() != parcelType || all.GetTypes()[at].GetVersion() != 2 {
		t.Errorf("types %v", all.GetTypes())
	}

	first, err := get(&postriderv1.GetSchemasRequest{Types: []string{parcelType}, Version: 1, Sources: true})
	if err != nil || len(first.GetTypes()) != 1 || strings.Contains(first.GetFiles()[0].GetContent(), "grams") {
		t.Errorf("first version %v, %v", first, err)
	}
	some, err := get(&postriderv1.GetSchemasRequest{Types: []string{"mail.*"}})
	if err != nil || len(some.GetTypes()) != 1 || len(some.GetFiles()) != 0 {
		t.Errorf("by pattern: %v, %v", some, err)
	}
	for _, test := range []struct {
		request *postriderv1.GetSchemasRequest
		code    string
	}{
		{&postriderv1.GetSchemasRequest{Types: []string{"none"}}, "not_found"},
		{&postriderv1.GetSchemasRequest{Types: []string{parcelType}, Version: 3}, "not_found"},
		{&postriderv1.GetSchemasRequest{Types: []string{"mail.*"}, Version: 1}, "invalid_argument"},
	} {
		if _, err := get(test.request); codeOf(err) != test.code {
			t.Errorf("%v: %v, want %s", test.request, err, test.code)
		}
	}
}

func TestUpdateEventTypeWithMask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, route)))
	update := func(kind *postriderv1.EventType, paths ...string) *postriderv1.EventType {
		kind.Name = parcelType
		response, err := w.admin().types.UpdateEventType(t.Context(), connect.NewRequest(&postriderv1.UpdateEventTypeRequest{
			EventType: kind, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		}))
		if err != nil {
			t.Fatal(err)
		}
		return response.Msg.GetEventType()
	}
	if got := update(&postriderv1.EventType{Deprecated: true, DeprecationNote: "old"}, "deprecated", "deprecation_note"); !got.GetDeprecated() || got.GetDeprecationNote() != "old" {
		t.Errorf("%v", got)
	}
	if got := update(&postriderv1.EventType{}, "deprecated"); got.GetDeprecated() || got.GetDeprecationNote() != "old" {
		t.Errorf("%v", got)
	}
	_, err := w.admin().types.UpdateEventType(t.Context(), connect.NewRequest(&postriderv1.UpdateEventTypeRequest{
		EventType: &postriderv1.EventType{Name: parcelType}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"level"}},
	}))
	if codeOf(err) != "invalid_argument" {
		t.Errorf("no level for everybody: %v", err)
	}
}

func (w *world) eventType(name, tenant string) *postriderv1.GetEventTypeResponse {
	w.t.Helper()
	response, err := w.admin().types.GetEventType(w.t.Context(), connect.NewRequest(&postriderv1.GetEventTypeRequest{Name: name, Tenant: tenant}))
	if err != nil {
		w.t.Fatal(err)
	}
	return response.Msg
}

// reasonOf is that of an error's ErrorInfo detail.
func reasonOf(err error) string {
	var fault *connect.Error
	if !errors.As(err, &fault) {
		return ""
	}
	for _, detail := range fault.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				return info.GetReason()
			}
		}
	}
	return ""
}
