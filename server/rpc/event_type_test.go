package rpc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

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

func TestPartsOfEventsAreListedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const money = "shop.v1.Money"
	partOf := func() map[string][]string {
		list, err := w.admin().types.ListEventTypes(t.Context(), connect.NewRequest(&postriderv1.ListEventTypesRequest{PageSize: 1000}))
		if err != nil {
			t.Fatal(err)
		}
		found := make(map[string][]string)
		for _, one := range list.Msg.GetEventTypes() {
			found[one.GetName()] = one.GetPartOf()
		}
		return found
	}
	if got := partOf(); len(got["shop.v1.OrderCreated"]) != 0 || !slices.Contains(got[money], "shop.v1.OrderCreated") {
		t.Errorf("parts %q", got)
	}
	one, err := w.admin().types.GetEventType(t.Context(), connect.NewRequest(&postriderv1.GetEventTypeRequest{Name: money}))
	if err != nil || len(one.Msg.GetEventType().GetPartOf()) == 0 {
		t.Errorf("got %v, %v", one, err)
	}
	w.publish(money, `{"currency":"EUR","minorUnits":"1"}`)
	if got := partOf(); len(got[money]) != 0 || len(got["shop.v1.Address"]) == 0 {
		t.Errorf("after an event of it: parts %q", got)
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
