package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/requestform"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

// What an attempt sent is kept in its row, except for the parts that many attempts share. Those are a form, a row of its own that is
// written with the first result that uses it. An attempt's row refers to the form by its digest, which takes about 70 bytes.

// maxRequestForms is how many forms are kept of a subscription. One more takes the place of the one that was begun with
// longest ago: its attempts are shown without what they sent. A form has at most 5 KB, so the forms of a subscription are
// bounded by a few times what its own configuration may take.
const maxRequestForms = 32

// formPlace is where a form is sealed. Forms are not among the sealed values that a start needs the key for (sealedHeads):
// one that cannot be opened any more is a request that is not shown, and no reason to refuse the start.
func formPlace(sub gateway.SubscriptionID, digest gateway.FormDigest) seal.Place {
	return seal.Place{Column: "request_form.content", Row: fmt.Sprintf("%d/%x", sub, digest)}
}

// addForms gives attempts the forms they refer to, as far as these are kept.
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

// openForm returns nil for a form that was sealed with a key that is gone.
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
