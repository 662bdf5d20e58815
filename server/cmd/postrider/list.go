package main

import (
	"iter"

	"github.com/spf13/cobra"
)

// addLimit adds the flag for the number of rows of a list without an end.
func addLimit(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVar(limit, "limit", 50, "number of rows, newest first; 0 lists all")
	named(cmd.Flags(), "limit", "N")
	checkFirst(cmd, func(*cobra.Command) error {
		if *limit < 0 {
			return wrongUsage("--limit: must be 0, which lists all, or more")
		}
		return nil
	})
}

// newest reads at most limit rows of a list, page by page; 0 reads all.
func newest[M any](limit int, fetch func(size int32, token string) ([]M, string, error)) iter.Seq2[[]M, error] {
	left := limit
	return pages(func(token string) ([]M, string, error) {
		size := pageSize
		if limit > 0 {
			size = min(left, pageSize)
		}
		page, next, err := fetch(int32(size), token)
		if left -= len(page); limit > 0 && left <= 0 {
			next = ""
		}
		return page, next, err
	})
}
