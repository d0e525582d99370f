package cmd_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
)

// file reads a file of the repository.
func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// yes says yes or no as the README's tables do.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// scopesPage holds the table of scopes.
const scopesPage = ".github/docs/slack-administrator.md"

// pages are README.md, CHANGELOG.md and the longer pages: what people read about Keyholder.
func pages(t *testing.T) []string {
	t.Helper()
	longer, err := filepath.Glob(filepath.Join(top, ".github/docs/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"README.md", "CHANGELOG.md"}
	for _, path := range longer {
		all = append(all, ".github/docs/"+filepath.Base(path))
	}
	if len(all) < 7 {
		t.Fatalf("only %q are there", all)
	}
	return all
}

func TestTheScopesPageNamesEachScopeAndWhatIsLostWithoutIt(t *testing.T) {
	readme, manifest := file(t, scopesPage), string(config.Manifest("/io"))
	asked := regexp.MustCompile(`(?m)^ +- ([a-z.:]+)( #.*)?$`)
	var inManifest []string
	for _, m := range asked.FindAllStringSubmatch(manifest, -1) {
		if strings.Contains(m[1], ":") || m[1] == "commands" {
			inManifest = append(inManifest, m[1])
		}
	}
	var known []string
	for _, s := range bot.Scopes {
		known = append(known, s.Name)
		row := "| `" + s.Name + "` | " + yes(s.Needed) + " | " + yes(slices.Contains(inManifest, s.Name)) + " | " +
			s.Lost + " |"
		if !strings.Contains(readme, row+"\n") {
			t.Errorf("%s: this row is missing or differs:\n%s", scopesPage, row)
		}
		if s.Needed && !slices.Contains(inManifest, s.Name) {
			t.Errorf("the manifest does not ask for %s, without which Keyholder cannot work", s.Name)
		}
	}
	for _, name := range inManifest {
		if !slices.Contains(known, name) {
			t.Errorf("the manifest asks for %s, of which bot.Scopes knows nothing: an administrator will ask why. Add it there or take it out.", name)
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z.:]+)` \\| (?:yes|no) \\|").FindAllStringSubmatch(readme, -1)
	for _, row := range rows {
		if !slices.Contains(known, row[1]) {
			t.Errorf("%s names the scope %s, which bot.Scopes does not", scopesPage, row[1])
		}
	}
}

// commandLines answers every command of the program with the words in front of its flags, as "audit verify".
func commandLines(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "keyholder")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program,
		module+"/"+keyholder).CombinedOutput(); err != nil {
		t.Fatalf("build keyholder: %v\n%s", err, out)
	}
	help, err := exec.Command(program, "--help").Output()
	if err != nil {
		t.Fatalf("keyholder --help: %v", err)
	}
	_, list, _ := strings.Cut(string(help), "\nCommands:\n")
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)*)`).FindAllStringSubmatch(list, -1) {
		all = append(all, m[1])
	}
	if len(all) < 5 {
		t.Fatalf("keyholder --help names only %q", all)
	}
	return all
}

// told finds what the README says to type: the program's name in code, then words.
var told = regexp.MustCompile("(?m)(?:`|^ +)keyholder ([a-z]+(?: [a-z]+)*)")

func TestTheReadmeNamesEveryCommandAndNoOther(t *testing.T) {
	commands, readme := commandLines(t), file(t, "README.md")
	for _, c := range commands {
		if !regexp.MustCompile("(?m)^\\| `keyholder " + c + "[` ]").MatchString(readme) {
			t.Errorf("README.md, Operating it: the table of commands has no row for keyholder %s", c)
		}
	}
	for _, doc := range pages(t) {
		for _, m := range told.FindAllStringSubmatch(file(t, doc), -1) {
			if !slices.ContainsFunc(commands, func(c string) bool {
				return m[1] == c || strings.HasPrefix(m[1], c+" ")
			}) {
				t.Errorf("%s tells people to type keyholder %s, and there is no such command. There are: %s.", doc,
					m[1], strings.Join(commands, ", "))
			}
		}
	}
}

func TestTheReadmeNamesOnlyTargetsOfTheMakefile(t *testing.T) {
	makefile := file(t, "Makefile")
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):.*## .+$`).FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
	}
	phony := regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindStringSubmatch(makefile)
	if phony == nil {
		t.Fatal("the Makefile has no line .PHONY")
	}
	for _, name := range strings.Fields(phony[1]) {
		if !slices.Contains(targets, name) {
			t.Errorf("make help does not show %s: give it a line, as  %s: ## What it does", name, name)
		}
	}
	for _, doc := range append(pages(t), ".ci/run", ".github/workflows/ci.yml", ".github/workflows/release.yml") {
		for _, m := range regexp.MustCompile("(?m)(?:`|^ +|run: |exec )make ([a-z]+)").FindAllStringSubmatch(file(t,
			doc), -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s tells people to type make %s, and there is no such target", doc, m[1])
			}
		}
	}
	for _, essential := range []string{"make demo", "make test"} {
		if first, _, _ := strings.Cut(file(t, "README.md"), "\n## "); !strings.Contains(first, "    "+essential) {
			t.Errorf("the README's first screen does not say %s", essential)
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, doc := range pages(t) {
		text := file(t, doc)
		links := regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1)
		for _, m := range links {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			if path == "" {
				path = doc
			} else {
				path = filepath.Join(filepath.Dir(doc), path)
			}
			if _, err := os.Stat(filepath.Join(top, path)); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, path)
			} else if anchor != "" && !slices.Contains(anchors(file(t, path)), anchor) {
				t.Errorf("%s links to %s, and no heading there has that name", doc, m[1])
			}
		}
	}
}

func TestTheReadmeLeadsToEachSectionAndEachLongerPage(t *testing.T) {
	readme := file(t, "README.md")
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(readme, -1) {
		if link := "[" + m[1] + "](#" + anchors("## " + m[1])[0] + ")"; !strings.Contains(readme, link) {
			t.Errorf("the README's contents lack %s", link)
		}
	}
	for _, page := range pages(t) {
		if page != "README.md" && !strings.Contains(readme, "]("+page+")") {
			t.Errorf("the README does not link to %s", page)
		}
	}
}

// anchors are the headings of a Markdown text as links name them.
func anchors(text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

func TestWhatTheHouseRestsOnIsThere(t *testing.T) {
	for name, holds := range map[string]string{
		"LICENSE":      "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
		"CHANGELOG.md": "## [Unreleased]",
		"compose.yaml": `"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"`,
		"Dockerfile":   "USER 65532:65532",
		".gitignore":   ".env\n",
	} {
		if !strings.Contains(file(t, name), holds) {
			t.Errorf("%s no longer holds %q", name, holds)
		}
	}
	info, err := os.Stat(filepath.Join(top, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&0o111 == 0 {
		t.Error(".ci/run cannot be executed: chmod +x, and git update-index --chmod=+x")
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(file(t, "go.mod"))
	if version == nil || !strings.Contains(file(t, "Dockerfile"), "FROM golang:"+version[1]+"-") {
		t.Errorf("the Dockerfile builds with another Go than go.mod asks for (%v)", version)
	}
	if version != nil && !strings.Contains(file(t, "README.md"), "Go "+version[1]) {
		t.Errorf("README.md asks for another Go than go.mod (%s)", version[1])
	}
}

func TestTheThreatPageNamesTestsThatExist(t *testing.T) {
	tests := map[string]bool{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.SplitSeq(file(t, ".github/SECURITY.md"), "\n") {
		if !strings.HasPrefix(line, "| **") {
			continue
		}
		all := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(line, -1)
		if len(all) == 0 {
			t.Errorf("no test shows this row: %.80s", line)
		}
		for _, m := range all {
			named++
			if !tests[m[1]] {
				t.Errorf("the threat page names %s, which is no test", m[1])
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d tests are named: this looks at the wrong lines", named)
	}
}
