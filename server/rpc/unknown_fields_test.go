package rpc_test

import (
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	refuseUnknown = postriderv1.UnknownFields_UNKNOWN_FIELDS_REFUSE
	ignoreUnknown = postriderv1.UnknownFields_UNKNOWN_FIELDS_IGNORE
)

// TestUnknownFieldsAreRefusedOrIgnored has a type say so at its registration and later.
func TestUnknownFieldsAreRefusedOrIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route), func(r *postriderv1.RegisterEventTypesRequest) { r.UnknownFields = ignoreUnknown }))
	const more = `{"parcelId":"1","stamps":[1],"route":{"depot":"a","gate":2}}`
	ack := w.publish(parcelType, more)
	if got := getEvent(t, w.admin(), ack.GetId(), postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON); got.GetJsonData() != `{"parcelId":"1","route":{"depot":"a"}}` || len(got.GetViolations()) > 0 {
		t.Errorf("ignored, the event is %v", got)
	}
	traffic := w.typeNamed(parcelType).GetTraffic()
	if traffic.GetIgnored() != 1 || len(traffic.GetIgnoredFields()) != 2 || traffic.GetIgnoredFields()[0] != "event.data.stamps" {
		t.Errorf("counted %v", traffic)
	}
	for _, means := range []postriderv1.UnknownFields{refuseUnknown, ignoreUnknown} {
		changed, err := w.admin().types.UpdateEventType(t.Context(), connect.NewRequest(&postriderv1.UpdateEventTypeRequest{
			EventType:  &postriderv1.EventType{Name: parcelType, UnknownFields: means},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"unknown_fields"}},
		}))
		if err != nil || changed.Msg.GetEventType().GetUnknownFields() != means {
			t.Fatal(changed, err)
		}
		_, err = w.admin().events.Publish(t.Context(), publishRequest(parcelType, more))
		if refused := codeOf(err) == "invalid_argument"; refused != (means == refuseUnknown) {
			t.Errorf("%v: publish: %v", means, err)
		}
	}
}

// TestUnknownFieldsAreOfTheServer refuses a change for one tenant, and one that names no meaning there is.
func TestUnknownFieldsAreOfTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route)))
	if got := w.typeNamed(parcelType).GetEventType().GetUnknownFields(); got != refuseUnknown {
		t.Errorf("without a word they are %v", got)
	}
	w.tenant("acme")
	for name, request := range map[string]*postriderv1.UpdateEventTypeRequest{
		"of a tenant": {Tenant: "acme", EventType: &postriderv1.EventType{Name: parcelType, UnknownFields: ignoreUnknown}},
		"no meaning":  {EventType: &postriderv1.EventType{Name: parcelType, UnknownFields: 7}},
	} {
		if _, err := w.admin().types.UpdateEventType(t.Context(), connect.NewRequest(request)); codeOf(err) != "invalid_argument" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// typeNamed is a type as the server shows it.
func (w *world) typeNamed(name string) *postriderv1.GetEventTypeResponse {
	w.t.Helper()
	got, err := w.admin().types.GetEventType(w.t.Context(), connect.NewRequest(&postriderv1.GetEventTypeRequest{Name: name}))
	if err != nil {
		w.t.Fatal(err)
	}
	return got.Msg
}
