package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	upsertRequestForm = `insert into request_form (tenant_id, subscription_id, digest, revision, content) values (?, ?, ?, ?, ?)
		on conflict (subscription_id, digest) do update set revision = excluded.revision where excluded.revision > request_form.revision`
	trimRequestForms = `delete from request_form where subscription_id = ? and id not in
		(select id from request_form where subscription_id = ? order by revision desc, id desc limit ?)`
)

// formRow is a form that will be written with the results of a group.
type formRow struct {
	delivery *gateway.Delivery
	form     *gateway.RequestForm
	revision int64
}

// pendingForms holds the form of each subscription that was written last, and the forms that the current transaction adds.
// Only the writer uses it.
type pendingForms struct {
	last map[gateway.SubscriptionID]gateway.FormDigest
	// rows holds the forms of a transaction whose outcome is not known yet; rows[:inserted] are inserted already.
	rows     []formRow
	inserted int
}

// begin discards what a transaction that was not committed has added.
func (f *pendingForms) begin() {
	for _, row := range f.rows {
		delete(f.last, row.delivery.Subscription)
	}
	f.committed()
}

func (f *pendingForms) committed() {
	clear(f.rows)
	f.rows, f.inserted = f.rows[:0], 0
}

// add adds the form of a result, unless it is the one that was written last. A form that is used again after another one is
// written again, which makes it the newest.
func (f *pendingForms) add(r *Result) {
	last := r.Delivery.Last
	if r.Revision == 0 || last == nil || last.Outcome.Sent.Form == nil || f.last[r.Delivery.Subscription] == last.Outcome.Sent.Digest {
		return
	}
	f.last[r.Delivery.Subscription] = last.Outcome.Sent.Digest
	f.rows = append(f.rows, formRow{r.Delivery, last.Outcome.Sent.Form, r.Revision})
}

// insertForms inserts the forms that were added since the last call.
func (w *writer) insertForms(ctx context.Context, tx *sql.Tx) error {
	for ; w.forms.inserted < len(w.forms.rows); w.forms.inserted++ {
		row := w.forms.rows[w.forms.inserted]
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
