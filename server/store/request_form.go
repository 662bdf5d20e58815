package store

import (
	"context"
	"database/sql"
	"encoding/binary"
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

const (
	upsertRequestForm = `insert into request_form (tenant_id, subscription_id, digest, revision, content) values (?, ?, ?, ?, ?)
		on conflict (subscription_id, digest) do update set revision = excluded.revision where excluded.revision > request_form.revision`
	trimRequestForms = `delete from request_form where subscription_id = ? and id not in
		(select id from request_form where subscription_id = ? order by revision desc, id desc limit ?)`
)

// formPlace is where a form is sealed. Forms are not among the sealed values that a start needs the key for (sealedHeads):
// one that cannot be opened any more is a request that is not shown, and no reason to refuse the start.
func formPlace(sub gateway.SubscriptionID, digest gateway.FormDigest) seal.Place {
	return seal.Place{Column: "request_form.content", Row: fmt.Sprintf("%d/%x", sub, digest)}
}

// formRow is a form that is to be written with the results of a group.
type formRow struct {
	delivery *gateway.Delivery
	form     *gateway.RequestForm
	revision int64
}

// formsWritten is which form of each subscription was written last, and what the transaction under way has added to that.
// It belongs to the writer.
type formsWritten struct {
	last map[gateway.SubscriptionID]gateway.FormDigest
	// begun are those of a transaction whose outcome is not known yet; the first written of them are in it.
	begun   []formRow
	written int
}

// begin forgets what a transaction that was not committed has added.
func (f *formsWritten) begin() {
	for _, row := range f.begun {
		delete(f.last, row.delivery.Subscription)
	}
	f.committed()
}

func (f *formsWritten) committed() {
	clear(f.begun)
	f.begun, f.written = f.begun[:0], 0
}

// note adds the form that a result brings, unless it is the one written last. A form that comes back after another is written
// once more, which makes it the newest.
func (f *formsWritten) note(r *Result) {
	last := r.Delivery.Last
	if r.Revision == 0 || last == nil || last.Outcome.Sent.Form == nil || f.last[r.Delivery.Subscription] == last.Outcome.Sent.Digest {
		return
	}
	f.last[r.Delivery.Subscription] = last.Outcome.Sent.Digest
	f.begun = append(f.begun, formRow{r.Delivery, last.Outcome.Sent.Form, r.Revision})
}

// insertForms writes the forms noted since.
func (w *writer) insertForms(ctx context.Context, tx *sql.Tx) error {
	for ; w.forms.written < len(w.forms.begun); w.forms.written++ {
		row := w.forms.begun[w.forms.written]
		sub, digest := row.delivery.Subscription, row.form.Digest()
		sealed := w.cfg.Keyring.Seal(formPlace(sub, digest), row.form.Text())
		_, err := tx.StmtContext(ctx, w.statements.upsertForm).ExecContext(ctx,
			int64(row.delivery.Tenant), int64(sub), digest[:], row.revision, sealed)
		if err != nil {
			return fmt.Errorf("write request form: %w", err)
		}
		if _, err := tx.StmtContext(ctx, w.statements.trimForms).ExecContext(ctx, int64(sub), int64(sub), maxRequestForms); err != nil {
			return fmt.Errorf("trim request forms: %w", err)
		}
	}
	return nil
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

// sentBytes is what a row keeps of what was sent: the form's digest; then, when it was transmitted, the body's digest and
// length, and the signature.
func sentBytes(sent *gateway.Sent) any {
	if !sent.Recorded() {
		return nil
	}
	if !sent.Transmitted {
		return append([]byte(nil), sent.Digest[:]...)
	}
	row := make([]byte, 0, len(sent.Digest)+len(sent.Body)+4+len(sent.Signature))
	row = append(row, sent.Digest[:]...)
	row = append(row, sent.Body[:]...)
	row = binary.AppendUvarint(row, uint64(sent.BodyBytes))
	return append(row, sent.Signature...)
}

// sentFrom reads what sentBytes writes.
func sentFrom(row *[]byte) (sent gateway.Sent) {
	rest := value(row)
	if len(rest) < len(sent.Digest) {
		return sent
	}
	rest = rest[copy(sent.Digest[:], rest):]
	if len(rest) <= len(sent.Body) {
		return sent
	}
	sent.Transmitted = true
	rest = rest[copy(sent.Body[:], rest):]
	length, n := binary.Uvarint(rest)
	sent.BodyBytes = int(length)
	sent.Signature = string(rest[max(n, 0):])
	return sent
}
