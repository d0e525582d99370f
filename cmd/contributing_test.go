package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page for contributors names files, and names within files as `file#name`. A recipe that names what is not there
// costs whoever follows it an hour.
func TestThePageForContributorsNamesWhatIsThere(t *testing.T) {
	page := file(t, ".github/CONTRIBUTING.md")
	named := 0
	for _, m := range regexp.MustCompile("`([a-zA-Z0-9_./-]+/[a-zA-Z0-9_./-]+|[A-Z]+\\.md)(?:#(\\w+))?`").
		FindAllStringSubmatch(page, -1) {
		path, name := m[1], m[2]
		if strings.HasPrefix(path, "/") {
			continue
		}
		named++
		info, err := os.Stat(filepath.Join(top, path))
		if err != nil {
			t.Errorf(".github/CONTRIBUTING.md names %s, which is not there", path)
			continue
		}
		if name == "" || info.IsDir() {
			continue
		}
		declared := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |var |const |\t)` + name + `\b`)
		if !declared.MatchString(file(t, path)) {
			t.Errorf(".github/CONTRIBUTING.md says that %s declares %s, and it does not", path, name)
		}
	}
	if named < 20 {
		t.Errorf("only %d files are found in it: does this test still read it?", named)
	}
	for target := range strings.Lines(page) {
		if m := regexp.MustCompile(`^    make (\w+)`).FindStringSubmatch(target); m != nil &&
			!strings.Contains(file(t, "Makefile"), "\n"+m[1]+":") {
			t.Errorf(".github/CONTRIBUTING.md says make %s, which the Makefile does not know", m[1])
		}
	}
}
