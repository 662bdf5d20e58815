package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/postrider-dev/postrider/server/seal"
)

// sealedHeads selects the heads of all sealed values; a head names the key. Every sealed column must be listed here, except
// the forms of requests (formPlace).
var sealedHeads = fmt.Sprintf(`select substr(secret, 1, %[1]d) from subscription
	union select substr(target_config, 1, %[1]d) from subscription`, seal.HeadBytes)

// ErrSecretKeyLost is returned by Open when the database holds secrets that the keyring cannot open.
var ErrSecretKeyLost = errors.New("the database holds secrets sealed with a secret key that this server does not have, " +
	"and no other key can open them. Put the file secret.key back into the data folder as it was (it belongs to every backup), " +
	"or set POSTRIDER_SECRET_KEY to what it held; where the key was changed, give both, the new one first, separated by a comma")

// checkSecretKey returns an error when the keyring lacks a key that the database needs.
func (s *Store) checkSecretKey(ctx context.Context) error {
	rows, err := s.db.reader.QueryContext(ctx, sealedHeads)
	if err != nil {
		return fmt.Errorf("read which keys sealed: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var head []byte
		if err := rows.Scan(&head); err != nil {
			return fmt.Errorf("read which keys sealed: %w", err)
		}
		if !s.cfg.Keyring.Knows(head) {
			return ErrSecretKeyLost
		}
	}
	return rows.Err()
}
