package limit

// Remembered is the number of addresses that are remembered.
func (r *Rates) Remembered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.of)
}
