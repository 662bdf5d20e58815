package stream

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// textBytes bounds the size of the expressions of all topics, unless Keep sets another bound. Once compiled, each byte
	// takes about 90, for each schema version of the events that it is evaluated on.
	textBytes = 1 << 20
	// textPart bounds the size of the expressions to 1/textPart of the memory that streams share.
	textPart = 16
	// textRetry is when a stream that was refused may try again.
	textRetry = 5 * time.Second
)

// texts counts the size of the expressions that streams have compiled. A tenant may have as much as is still free
// afterwards, so that no tenant can take all. The matcher's lock guards it.
type texts struct {
	most, held int
	tenants    map[gateway.TenantID]int
}

func (t *texts) add(tenant gateway.TenantID, n int) error {
	if n > 0 && t.tenants[tenant]+n > t.most-t.held-n {
		err := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonTooManyStreams,
			"the expressions of the tenant's open streams are too long together; use fewer or shorter ones, or the same in several streams")
		err.RetryAfter = textRetry
		return err
	}
	t.held += n
	t.tenants[tenant] += n
	return nil
}

func (t *texts) remove(tenant gateway.TenantID, n int) {
	t.held -= n
	if t.tenants[tenant] -= n; t.tenants[tenant] == 0 {
		delete(t.tenants, tenant)
	}
}
