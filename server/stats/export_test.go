package stats

import (
	"fmt"
	"time"
)

// Recode reads a stored interval and writes it again, with a description of what is in it.
func Recode(data []byte) (again []byte, description string, err error) {
	i, err := decode(time.Time{}, data)
	if err != nil {
		return nil, "", err
	}
	return i.encode(), fmt.Sprint(i.total, i.gauges, len(i.subscriptions), len(i.types), len(i.failures)), nil
}
