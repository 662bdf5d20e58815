package gateway

import "strings"

// Nearest returns the candidate with the fewest changes, if that is at most one change per three letters. Case and
// underscores do not count. It is empty if no candidate is similar.
func Nearest(name string, candidates []string) string {
	wanted := plain(name)
	best, least := "", max(1, len(wanted)/3)+1
	for _, candidate := range candidates {
		if d := distance(wanted, plain(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// distance returns the number of letters to add, remove, replace, or swap with their neighbour to turn one name into the
// other.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
