package cmd_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// built are the folders at the top that make leaves behind, and private the files that stay with
// whoever has them (.gitignore names both).
var (
	built   = []string{"bin", "dist"}
	private = []string{".env", "keyholder.yaml"}
)

// banned is text that no file may hold, and what to do instead. The words are put together, or this
// file would hold them.
var banned = []struct {
	what *regexp.Regexp
	cure string
}{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`),
		"Do it, or write it down as an issue; the tree holds no promises."},
	{regexp.MustCompile(`(^|[\s"'` + "`" + `(=:,])/(wo` + `rk|ro` + `ot|tm` + `p|Use` + `rs|home/[a-z]+)/`),
		"A path of one machine helps nobody else: use t.TempDir, or a path within the repository."},
	{regexp.MustCompile(`xox[bp]-\d{9,}-\d{9,}-[A-Za-z0-9]{20,}|xapp-1-A[A-Z0-9]{9,}-\d{12,}-[0-9a-f]{60,}`),
		"This looks like a real Slack token: revoke it, and use one that is visibly invented."},
}

func TestNoFileHoldsPromisesOrPathsOfOneMachine(t *testing.T) {
	read := 0
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(top, path)
		if d.IsDir() {
			if name == ".git" || slices.Contains(built, name) {
				return fs.SkipDir
			}
			return nil
		}
		if name == ".git" { // in a linked worktree, a file that names where the repository is
			return nil
		}
		if slices.Contains(private, name) || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !utf8.Valid(text) {
			return err
		}
		read++
		for _, b := range banned {
			if at := b.what.FindIndex(text); at != nil {
				t.Errorf("%s:%d: %q. %s", name, 1+strings.Count(string(text[:at[0]]), "\n"), text[at[0]:at[1]], b.cure)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 50 {
		t.Errorf("only %d files were read: this test looks at the wrong folder", read)
	}
}
