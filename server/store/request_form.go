package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/requestform"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

// The row of an attempt holds what the attempt sent, except for the parts that many attempts share. The shared parts are a
// form: a row of its own that is written with the first result that uses it. The row of an attempt refers to its form by a
// digest, which takes about 70 bytes.

// maxRequestForms is the number of forms that are kept for a subscription. A further form replaces the one whose use began
// the longest time ago; then the attempts of that form are shown without what they sent. A form has at most 5 KB, so the
// forms of a subscription take at most a few times the size of its configuration.
const maxRequestForms = 32

// formPlace returns the place to which a form is sealed. Forms are not among the values whose key must be present at the
// start (sealedHeads). If a form can no longer be opened, its request is not shown; that is no reason to refuse the start.
func formPlace(sub gateway.SubscriptionID, digest gateway.FormDigest) seal.Place {
	return seal.Place{Column: "request_form.content", Row: fmt.Sprintf("%d/%x", sub, digest)}
}

// addForms sets the forms of attempts, as far as the forms are kept.
func (s *Store) addForms(ctx context.Context, sub gateway.SubscriptionID, attempts []gateway.Attempt) error {
	forms, err := s.requestForms(ctx, sub)
	if err != nil {
		return err
	}
	for i := range attempts {
		sent := &attempts[i].Outcome.Sent
		sent.Form = forms[sent.Digest]
	}
	return nil
}

func (s *Store) requestForms(ctx context.Context, sub gateway.SubscriptionID) (map[gateway.FormDigest]*gateway.RequestForm, error) {
	rows, err := s.read.RequestForm.Query().Where(requestform.SubscriptionID(int64(sub))).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read request forms: %w", err)
	}
	forms := make(map[gateway.FormDigest]*gateway.RequestForm, len(rows))
	for _, row := range rows {
		digest := gateway.FormDigest(row.Digest)
		if form := s.openForm(formPlace(sub, digest), row); form != nil {
			forms[digest] = form
		}
	}
	return forms, nil
}

// openForm returns nil for a form whose key is no longer in the keyring.
func (s *Store) openForm(place seal.Place, row *ent.RequestForm) *gateway.RequestForm {
	text, err := s.cfg.Keyring.Open(place, row.Content)
	if err == nil {
		var form *gateway.RequestForm
		if form, err = gateway.ParseRequestForm(text); err == nil {
			return form
		}
	}
	s.cfg.Logger.Warn("what attempts sent cannot be read", "subscription", row.SubscriptionID, "error", err)
	return nil
}
