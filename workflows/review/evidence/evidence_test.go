package evidence

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// goldenEnv, set to 1, writes the golden files anew instead of comparing them.
const goldenEnv = "KEYHOLDER_WRITE_GOLDEN"

func filesOf(t *testing.T, e Evidence) map[string][]byte {
	t.Helper()
	files, err := Files(e)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// table reads a CSV file strictly, as objects.
func table(t *testing.T, content []byte) []map[string]string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return asObjects(lines)
}

func TestASmallReviewGivesTheseFiles(t *testing.T) {
	files := filesOf(t, evidenceOf(t))
	dir := filepath.Join("testdata", "acme")
	if os.Getenv(goldenEnv) == "1" {
		writeFiles(t, dir, files)
	}
	var golden []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			golden = append(golden, filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator))))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(golden)
	if names := slices.Sorted(maps.Keys(files)); !slices.Equal(names, golden) {
		t.Errorf("files %q, golden %q", names, golden)
	}
	for _, name := range golden {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(files[name], want) {
			t.Errorf("%s differs from %s at byte %d; look at it, then %s=1 go test -run %s", name, dir,
				differAt(files[name], want), goldenEnv, t.Name())
		}
	}
}

func differAt(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func writeFiles(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheSameEvidenceGivesTheSameBytes(t *testing.T) {
	one, two := filesOf(t, evidenceOf(t)), filesOf(t, evidenceOf(t))
	for name := range one {
		if !bytes.Equal(one[name], two[name]) {
			t.Errorf("%s differs between two runs", name)
		}
	}
}

func TestTheColumnsAreThoseOfTheContract(t *testing.T) {
	files := filesOf(t, evidenceOf(t))
	for name, head := range map[string]string{
		FilePopulation:  "environment,email,name,role,integrations,status,last_sign_in,last_sign_in_any,created_via,mfa_required,sso_required,flags",
		FileDecisions:   "environment,email,decision,role_from,role_to,reason,reviewer,decided_at",
		FileRemediation: "environment,email,action,how,state,before,after,access_id,done_at",
		FileSignoffs:    "packet,reviewer,rows,keep,signed_at,acknowledged",
		FileTokens:      "environment,id,name,kind,scope,ends,revoked,flags,decision,reason,reviewer,decided_at,state,done_at",
	} {
		if got, _, _ := strings.Cut(string(files[name]), "\n"); got != head {
			t.Errorf("%s begins with %s", name, got)
		}
	}
	for _, line := range table(t, files[FileDecisions]) {
		if line["email"] == "eve@partner.example" && (line["reviewer"] != "Dee Lindqvist (U0DEE)" ||
			line["decided_at"] != "2026-10-06T10:09:00Z" || line["role_to"] != "monitor") {
			t.Errorf("Eve's decision is %v", line)
		}
	}
}

// proofs is what a stranger reads out of the files.
type proofs struct {
	Closed   bool
	Counts   map[string]int
	Checks   []struct{ OK bool }
	Campaign struct {
		Readings []struct {
			SHA256 string
			Pages  []struct{ SHA256 string }
		}
	}
	Population, Decisions, Remediation []map[string]string
	Chains                             []struct {
		Kind, ID, Head string
		Links          []struct {
			Seq                                uint64
			Type, Salt, Digest, Previous, Link string
			MS                                 int64
			Body                               *string
			Base64                             []byte `json:"body_base64"`
			Erased                             bool
		}
	}
}

func proofsOf(t *testing.T, files map[string][]byte) proofs {
	t.Helper()
	var p proofs
	if err := json.Unmarshal(files[FileReview], &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// checkChains recomputes the chains from review.json alone and answers the number of events.
func checkChains(t *testing.T, p proofs) (events int) {
	t.Helper()
	for _, c := range p.Chains {
		again := chain.Chain{Ref: chain.Ref{Kind: c.Kind, ID: c.ID}}
		for _, l := range c.Links {
			link := chain.Link{Seq: l.Seq, Type: l.Type, At: time.UnixMilli(l.MS), Salt: l.Salt, Digest: l.Digest,
				Previous: l.Previous, Link: l.Link, Erased: l.Erased, Body: l.Base64}
			if l.Body != nil {
				link.Body = []byte(*l.Body)
			}
			again.Links, events = append(again.Links, link), events+1
		}
		if err := again.Check(); err != nil {
			t.Error(err)
		}
		if again.Head() != c.Head {
			t.Errorf("the head of %s is %s, recomputed %s", c.ID, c.Head, again.Head())
		}
	}
	return events
}

func TestManifestSumsAndChainsCanBeRecomputedFromTheFilesAlone(t *testing.T) {
	files := filesOf(t, evidenceOf(t))
	var m struct{ Files map[string]string }
	if err := json.Unmarshal(files[FileManifest], &m); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if name != FileManifest && m.Files[name] != Sum(content) {
			t.Errorf("the manifest does not hold %s with its hash", name)
		}
		if name != FileManifest && name != FileSums && !strings.Contains(string(files[FileSums]),
			Sum(content)+"  "+name+"\n") {
			t.Errorf("%s does not hold %s", FileSums, name)
		}
	}
	if len(m.Files) != len(files)-1 {
		t.Errorf("the manifest names %d files of %d", len(m.Files), len(files)-1)
	}
	p := proofsOf(t, files)
	if n := checkChains(t, p); n != 25 {
		t.Errorf("%d events were recomputed", n)
	}
	if got := p.Campaign.Readings[0].SHA256; got != Sum(files["frozen/production.csv"]) {
		t.Errorf("the frozen list does not have the hash %s", got)
	}
	if got := p.Campaign.Readings[0].Pages[1].SHA256; got != Sum(files["raw/production-002.json"]) {
		t.Errorf("the second answer does not have the hash %s", got)
	}
}

func TestVerifyTxtFindsWhatWasTouched(t *testing.T) {
	python, err := exec.LookPath("python3")
	switch {
	case err != nil && os.Getenv("KEYHOLDER_REQUIRE_ALL") == "1":
		t.Fatal("KEYHOLDER_REQUIRE_ALL=1, but no python3 is in PATH, and verify.txt is a program for it")
	case err != nil:
		t.Skip("NOT TESTED: no python3 is in PATH, so verify.txt, which is a program for it, was not run")
	}
	direct := exec.Command(python, FileVerify)
	direct.Dir = t.TempDir()
	writeFiles(t, direct.Dir, filesOf(t, evidenceOf(t)))
	if out, err := direct.CombinedOutput(); err != nil || !strings.Contains(string(out), "everything agrees") {
		t.Errorf("run as its text says: %v\n%s", err, out)
	}
	var runs []verifyRun
	erased := evidenceOf(t)
	l := &erased.Chains[1].Links[0]
	l.Salt, l.Body, l.Erased = "", nil, true
	hostile, gathering := evidenceOf(t), evidenceOf(t)
	hostileNames(t, &hostile)
	gathering.Campaign.Phase, gathering.Campaign.ClosedAt, gathering.Campaign.Parts,
		gathering.Campaign.Rows = review.CampaignGathering, time.Time{}, nil, 0
	gathering.Campaign.Gathered, gathering.Packets,
		gathering.Chains = map[string][]population.Row{"": gathering.Packets[1].Rows}, nil, gathering.Chains[:1]
	for name, e := range map[string]Evidence{"whole": evidenceOf(t), "erased": erased, "hostile": hostile,
		"gathering": gathering} {
		files := filesOf(t, e)
		dir := t.TempDir()
		writeFiles(t, dir, files)
		runs = append(runs, verifyRun{name, dir, "", "everything agrees", true},
			verifyRun{name + ", with the hash", dir, Sum(files[FileManifest]), "kept elsewhere", true},
			verifyRun{name + ", with another hash", dir, strings.Repeat("0", 64), "FAULT manifest.json", false})
	}
	for name, c := range map[string]struct{ file, old, new, want string }{
		"a list":          {"population.csv", "Fay", "Fat", "FAULT population.csv"},
		"an event's body": {"review.json", "Left the team", "Left our team", "FAULT review.json"},
		"an event's body, all hashed": {"review.json", `\"period\":\"2026q4\"`, `\"period\":\"2026q3\"`,
			"its body does not match its digest"},
		"a decision, all hashed": {"decisions.csv", "gil@acme.example,remove", "gil@acme.example,keep",
			"FAULT decisions.csv, gil@acme.example"},
		"a reason, all hashed":      {"decisions.csv", "Never came", "Was ill", "FAULT decisions.csv"},
		"a frozen list, all hashed": {"frozen/production.csv", "Fay", "Fat", "FAULT production: the list"},
		"a row, all hashed": {"population.csv", "fay@acme.example,Fay Ito,custom",
			"fay@acme.example,Fay Ito,monitor", "FAULT population.csv, fay@acme.example"},
		"a flag, all hashed": {"population.csv", "foreign_domain", "",
			"FAULT population.csv, eve@partner.example"},
		"a reviewer, all hashed": {"decisions.csv", "Left the team,Dee Lindqvist (U0DEE)",
			"Left the team,Ana Silva (U0ANA)", "FAULT decisions.csv, gil@acme.example"},
		"a time, all hashed": {"decisions.csv", "2026-10-06T10:14:00Z", "2026-10-07T10:14:00Z",
			"FAULT decisions.csv, gil@acme.example"},
		"a line less, all hashed": {"decisions.csv",
			"production,fay@acme.example,keep,custom,,,Dee Lindqvist (U0DEE),2026-10-06T10:12:00Z\n", "",
			"FAULT decisions.csv, fay@acme.example"},
		"a line more, all hashed": {"decisions.csv", "production,fay@acme.example",
			"production,nobody@acme.example,keep,custom,,,Dee Lindqvist (U0DEE),2026-10-06T10:12:00Z\nproduction,fay@acme.example", "FAULT decisions.csv, nobody@acme.example"},
		"a remedy, all hashed": {"remediation.csv", "remove,acted,failed", "remove,acted,verified",
			"FAULT remediation.csv, gil@acme.example"},
		"no remedy, all hashed": {"remediation.csv", "a03-3CCCCCCC", "",
			"FAULT remediation.csv, hal@acme.example"},
		"the JSON, all hashed": {"review.json", `"decision": "remove"`, `"decision": "keep"`,
			"FAULT review.json, decisions, gil@acme.example"},
		"the JSON's end, all hashed": {"review.json", `"closed": true`, `"closed": false`,
			"FAULT review.json: the decisions are final"},
		"the page, all hashed": {"report.html", `<b>remove</b></td><td class="why" data-name="Reason:">Left`,
			`<b>keep</b></td><td class="why" data-name="Reason:">Left`, "FAULT report.html, gil@acme.example"},
		"the page's why, all hashed": {"report.html", "Left the team", "Is ill",
			"FAULT report.html, gil@acme.example"},
		"its numbers, all hashed": {"report.html", "<b>14</b>rows", "<b>13</b>rows", "FAULT report.html: 13 rows"},
		"its remedies, all hashed": {"report.html", "✗ failed", "verified",
			"FAULT report.html, remediation, gil@acme.example"},
		"a token's decision, all hashed": {"tokens.csv", "remove,'-Gil", "keep,'-Gil",
			"FAULT tokens.csv, t3 in production"},
		"a token's reason, all hashed": {"tokens.csv", "Keyholder works with it", "Nobody knows it",
			"FAULT tokens.csv, t1"},
		"a token's scope, all hashed": {"tokens.csv", "account,full access", "account,connections: 1",
			"FAULT tokens.csv, t1"},
		"a token's kind, all hashed": {"tokens.csv", "personal", "account", "FAULT tokens.csv, t3"},
		"a token's end, all hashed":  {"tokens.csv", "2026-10-30T09:00:00Z", "", "FAULT tokens.csv, t3"},
		"a token's flag, all hashed": {"tokens.csv", "full_access no_end", "full_access", "FAULT tokens.csv, t1"},
		"a token's name, all hashed": {"tokens.csv", "Old <script>", "New", "FAULT tokens.csv, t2"},
		"a token revoked, all hashed": {"tokens.csv", "exports: 1,,true", "exports: 1,,false",
			"FAULT tokens.csv, t2"},
		"a token's reviewer, all hashed": {"tokens.csv", "works with it,Dee Lindqvist (U0DEE)",
			"works with it,Ana Silva (U0ANA)", "FAULT tokens.csv, t1"},
		"a token's time, all hashed": {"tokens.csv", "2026-10-06T10:20:00Z", "2026-10-06T10:21:00Z",
			"FAULT tokens.csv, t1"},
		"a token's remedy, all hashed": {"tokens.csv", "verified", "pending", "FAULT tokens.csv, t3"},
		"a token's end of work, all hashed": {"tokens.csv", "2026-10-26T15:00:00Z", "2026-10-27T15:00:00Z",
			"FAULT tokens.csv, t3"},
		"a token less, all hashed": {"tokens.csv",
			"production,t2,Old <script>,account,connections: 2; exports: 1,,true,," +
				"keep,,Dee Lindqvist (U0DEE),2026-10-06T10:12:00Z,,\n", "",
			"FAULT tokens.csv, t2 in production: no such line"},
		"a token more, all hashed": {"tokens.csv", "production,t2",
			"production,t9,Old <script>,account,connections: 2; " +
				"exports: 1,,true,,keep,,Dee Lindqvist (U0DEE),2026-10-06T10:12:00Z,,\nproduction,t2",
			"FAULT tokens.csv, t9 in production: the record has no such line"},
		"a signature's time, all hashed": {"signoffs.csv", "2026-10-06T10:40:00Z", "2026-10-06T10:41:00Z",
			"FAULT signoffs.csv, "},
		"who signed, all hashed":       {"signoffs.csv", "Dee Lindqvist (U0DEE)", "Ana Silva (U0ANA)", "FAULT signoffs.csv, "},
		"what they signed, all hashed": {"signoffs.csv", "still needed", "needed", "FAULT signoffs.csv, "},
		"a frozen token, all hashed": {"tokens/production.csv", "Keyholder", "Nobody's",
			"FAULT production: the list with hash"},
		"a token in the JSON, all hashed": {"review.json", `"reason": "-Gil has left",`, `"reason": "-Gil is here",`,
			"FAULT review.json, tokens, t3"},
		"a token on the page, all hashed": {"report.html", "Keyholder works with it", "It is needed",
			"FAULT report.html, tokens, t1"},
		"the page's tokens, all hashed": {"report.html", "<b>3</b>tokens", "<b>2</b>tokens",
			"FAULT report.html: 2 tokens"},
		"its signature, all hashed": {"report.html",
			`<td>Dee Lindqvist<span class="id"> (U0DEE)</span>, <span class="whole">2026-10-06`,
			`<td>Ana Silva<span class="id"> (U0ANA)</span>, <span class="whole">2026-10-06`, "FAULT report.html: part 1"},
	} {
		files := maps.Clone(filesOf(t, evidenceOf(t)))
		touched := bytes.ReplaceAll(files[c.file], []byte(c.old), []byte(c.new))
		if bytes.Equal(touched, files[c.file]) {
			t.Fatalf("%s: nothing was touched", name)
		}
		files[c.file] = touched
		if strings.Contains(name, "all hashed") {
			delete(files, FileManifest)
			delete(files, FileSums)
			files[FileSums] = sumsFile(files)
			files[FileManifest], _ = manifestFile(files)
		}
		dir := t.TempDir()
		writeFiles(t, dir, files)
		runs = append(runs, verifyRun{name, dir, "", c.want, false})
	}
	verifyAll(t, python, runs)
}

// verifyRun is one folder that verify.txt looks at, and what it must say.
type verifyRun struct {
	name, dir, hash, want string
	good                  bool
}

// verifyAll runs verify.txt in each folder, all in one interpreter: starting one takes longer than the work.
func verifyAll(t *testing.T, python string, runs []verifyRun) {
	t.Helper()
	const driver = `import json, os, runpy, sys, io, contextlib
for dir, hash in json.load(sys.stdin):
    os.chdir(dir)
    sys.argv, out, code = ["verify.txt"] + [hash] * bool(hash), io.StringIO(), 0
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path("verify.txt", run_name="__main__")
        except SystemExit as e:
            code = e.code
        except Exception as e:
            code = repr(e)
    print(json.dumps([str(code), out.getvalue()]))`
	var work [][2]string
	for _, r := range runs {
		work = append(work, [2]string{r.dir, r.hash})
	}
	in, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", driver)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	answers := json.NewDecoder(bytes.NewReader(raw))
	for _, r := range runs {
		var a [2]string
		if err := answers.Decode(&a); err != nil {
			t.Fatalf("%s: %v\n%s", r.name, err, stderr.String())
		}
		if (a[0] == "0") != r.good || !r.good && a[0] != "1" || !strings.Contains(a[1], r.want) {
			t.Errorf("%s: ends with %s, want %q\n%s", r.name, a[0], r.want, a[1])
		}
	}
	if err != nil {
		t.Errorf("%v\n%s", err, stderr.String())
	}
}

func TestABrokenChainGivesNoFiles(t *testing.T) {
	for name, touch := range map[string]func(*chain.Chain){
		"body":  func(c *chain.Chain) { c.Links[1].Body = []byte("{}") },
		"type":  func(c *chain.Chain) { c.Links[1].Type = "packet.unsigned" },
		"time":  func(c *chain.Chain) { c.Links[1].At = c.Links[1].At.Add(time.Millisecond) },
		"gone":  func(c *chain.Chain) { c.Links = slices.Delete(c.Links, 1, 2) },
		"order": func(c *chain.Chain) { slices.Reverse(c.Links[1:]) },
		"salt":  func(c *chain.Chain) { c.Links[1].Salt = "no" },
	} {
		e := evidenceOf(t)
		touch(&e.Chains[0])
		_, err := Files(e)
		var broken *chain.BrokenError
		if !errors.As(err, &broken) || broken.Ref.ID != e.Campaign.ID || broken.Seq != 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErasedEventsKeepTheirPlaceAndSayNothing(t *testing.T) {
	e := evidenceOf(t)
	l := &e.Chains[3].Links[0]
	l.Salt, l.Body, l.Erased = "", nil, true
	files := filesOf(t, e)
	if n := checkChains(t, proofsOf(t, files)); n != 25 {
		t.Errorf("%d events", n)
	}
	if !strings.Contains(string(files[FileReport]), "the content of 1 event was erased") {
		t.Error("the report does not say that something was erased")
	}
	if strings.Contains(string(files[FileReview]), "access.requested\\\"") ||
		strings.Contains(string(files[FileReview]), "gil@acme.example\\\",\\\"reason") {
		t.Error("what was erased is still there")
	}
}

// hostile is text that spreadsheets and browsers take for more than text.
var hostile = []string{`=1+1`, `+cmd|' /C calc'!A0`, `-2+3`, `@SUM(A1)`, "\t=1", "\r=1", "a,b\"c\nd",
	`</table><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "<@U0DEE>",
	"<!-- -->", "\x00\x1b[31m", "\xff\xfe", "{{.Title}}", "javascript:alert(1)", `<a href="https://evil.example">x</a>`,
	"\u202eevil", `=HYPERLINK("http://evil.example")`}

func TestHostileTextStaysText(t *testing.T) {
	for _, bad := range hostile {
		e := evidenceOf(t)
		for i := range e.Packets {
			p := &e.Packets[i]
			p.Rows, p.Verdicts, p.Fixes = slices.Clone(p.Rows), slices.Clone(p.Verdicts), slices.Clone(p.Fixes)
			for j := range p.Rows {
				r := &p.Rows[j]
				r.Name, r.Email, r.Role, r.Via, r.Exception, r.Vault, r.Differences, r.Delegates = bad, bad, bad, bad,
					bad, bad, []string{bad}, []string{bad}
				r.Role, r.Manage, r.Names, r.Mark = workflows.RoleCustom, []string{bad}, map[string]string{bad: bad},
					bad+string(rune('a'+j))
				p.Verdicts[j].Reason = bad
			}
			for j := range p.Fixes {
				f := &p.Fixes[j]
				f.Before, f.After, f.Why, f.Access, f.Verified, f.Who = bad, bad, bad, bad, bad, bad
			}
			p.Handovers = append(p.Handovers, review.Handover{From: bad, To: bad, Why: bad, Note: bad, By: bad})
			p.Names = map[string]string{"U0DEE": bad}
		}
		e.Campaign.Why, e.Campaign.Exceptions, e.Campaign.Notes, e.Campaign.AccountName, e.Version, e.MadeBy = bad,
			[]string{bad}, []string{bad}, bad, bad, bad
		files := filesOf(t, e)
		for _, name := range []string{FilePopulation, FileDecisions, FileRemediation} {
			for _, line := range table(t, files[name]) {
				for column, cell := range line {
					if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
						t.Errorf("%q: %s, %s is a formula: %q", bad, name, column, cell)
					}
				}
			}
		}
		page := string(files[FileReport])
		for _, tag := range regexp.MustCompile(`<(/?[A-Za-z!][^\s>/]*)`).FindAllStringSubmatch(page, -1) {
			if !slices.Contains([]string{"!doctype", "html", "head", "meta", "title", "style", "body", "header", "p",
				"h1", "h2", "h3", "div", "strong", "dl", "dt", "dd", "ul", "li", "b", "code",
				"span", "br", "table", "thead", "tbody", "tr", "th", "td", "small", "footer"},
				strings.ToLower(strings.TrimPrefix(tag[1], "/"))) {
				t.Fatalf("%q gives the page a tag %s", bad, tag[0])
			}
		}
		if !json.Valid(files[FileReview]) {
			t.Errorf("%q: review.json is no JSON", bad)
		}
	}
}

func TestThePageLoadsNothing(t *testing.T) {
	page := string(filesOf(t, evidenceOf(t))[FileReport])
	for _, bad := range []string{"<script", "<link", "<img", "url(", "@import", "src=", "href=", "on" + "load=",
		"http-equiv=\"refresh\""} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("the page does not forbid itself to load")
	}
}

func TestFileNamesStayInsideTheFolder(t *testing.T) {
	e := evidenceOf(t)
	for _, name := range []string{"../../etc/passwd", "sandbox", "SANDBOX", "a b/c", "", ".", "..", "production",
		"Prüfung", strings.Repeat("x", 300), "CON\x00"} {
		e.Frozen[name], e.Tokens[name] = []byte("x"), []byte("y")
		e.Raw[name] = [][]byte{[]byte("x")}
		e.Handed = append(e.Handed, Handed{Environment: name, Content: []byte(name)},
			Handed{Alias: name + "@x", Content: []byte(name)})
	}
	files, seen := filesOf(t, e), map[string]bool{}
	for name := range files {
		if !regexp.MustCompile(`^((frozen|raw|tokens)/)?[A-Za-z0-9_-]+(\.[a-z]+)?$`).MatchString(name) ||
			len(name) > 100 {
			t.Errorf("a file is called %q", name)
		}
		if seen[strings.ToLower(name)] {
			t.Errorf("two files are called %q where upper and lower case are alike", name)
		}
		seen[strings.ToLower(name)] = true
	}
	if n := len(e.Frozen) + len(e.Tokens) + len(e.Handed); len(files) < n+8 {
		t.Errorf("%d files hold %d lists", len(files), n)
	}
}

// TestRowsReconcileWhateverWasDecided builds packets at random and compares the four files with each other.
func TestRowsReconcileWhateverWasDecided(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		e := evidenceOf(t)
		decisions := []string{"", population.Keep, population.Change, population.Remove}
		for i := range e.Packets {
			p := &e.Packets[i]
			p.Verdicts, p.Fixes = slices.Clone(p.Verdicts), nil
			for j := range p.Verdicts {
				v := population.Verdict{Decision: decisions[rng.IntN(len(decisions))], By: "U0DEE",
					At: proofDay(6, 9, j)}
				if p.Rows[j].IsToken() && v.Decision == population.Change {
					v.Decision = population.Remove
				}
				if rng.IntN(2) == 0 {
					v.Reason, v.Role = "because", workflows.RoleMonitor
				}
				p.Verdicts[j] = v
				if p.Rows[j].Lacks(v) == "" && (v.Decision == population.Change || v.Decision == population.Remove) {
					p.Fixes = append(p.Fixes, population.Fix{Row: j + 1, Action: v.Decision,
						State: population.FixPending})
				}
			}
		}
		running := rng.IntN(2) == 0
		if running {
			e.Campaign.ClosedAt, e.Campaign.Phase = time.Time{}, review.CampaignOpen
		}
		files := filesOf(t, e)
		answered := map[string]int{}
		for _, line := range table(t, files[FileTokens]) {
			answered[line["decision"]]++
			if want := map[bool]string{
				true: population.FixPending}[line["decision"] == population.Remove]; line["state"] != want {
				t.Errorf("seed %d: a token decided as %q is %q", seed, line["decision"], line["state"])
			}
		}
		if n := answered[population.Keep] + answered[population.Remove]; n+answered[""]+
			answered[population.NoAnswer] != 3 ||
			running && answered[population.NoAnswer] > 0 || !running && answered[""] > 0 {
			t.Errorf("seed %d: tokens %v", seed, answered)
		}
		bytes, decided, fixes, p := table(t, files[FilePopulation]), table(t, files[FileDecisions]),
			table(t, files[FileRemediation]), proofsOf(t, files)
		by := map[string]int{}
		for _, line := range decided {
			by[line["decision"]]++
		}
		unanswered := 0
		for _, line := range bytes {
			if slices.Contains(strings.Fields(line["flags"]), population.FlagNoAnswer) {
				unanswered++
			}
		}
		c := p.Counts
		if len(bytes) != c["rows"] || len(p.Population) != c["rows"] || len(decided) != c["rows"]-c["open"] ||
			len(p.Decisions) != len(decided) || len(p.Remediation) != len(fixes) {
			t.Fatalf("seed %d: %d rows, %d decisions, counts %v", seed, len(bytes), len(decided), c)
		}
		for _, d := range []string{population.Keep, population.Change, population.Remove, population.NoAnswer} {
			if by[d] != c[d] {
				t.Errorf("seed %d: %d times %s, counted %d", seed, by[d], d, c[d])
			}
		}
		if c["rows"] != c["keep"]+c["change"]+c["remove"]+c["no_answer"]+c["open"] || unanswered != c["no_answer"] ||
			len(fixes) != c["change"]+c["remove"] {
			t.Errorf("seed %d: %d unanswered, %d remedies, counts %v", seed, unanswered, len(fixes), c)
		}
		if p.Closed == running || running && c["no_answer"] > 0 || !running && c["open"] > 0 {
			t.Errorf("seed %d: closed %t, counts %v", seed, p.Closed, c)
		}
		if notClosed := strings.Contains(string(files[FileReport]),
			"This review is not closed."); notClosed != running {
			t.Errorf("seed %d: the page says not closed: %t", seed, notClosed)
		}
		for i, check := range p.Checks {
			if !check.OK {
				t.Errorf("seed %d: comparison %d does not agree", seed, i)
			}
		}
	}
}

func TestWhatDoesNotAgreeIsSaidLoudly(t *testing.T) {
	for name, touch := range map[string]func(*Evidence){
		"a list changed":         func(e *Evidence) { e.Frozen[""] = append(slices.Clone(e.Frozen[""]), '\n') },
		"a list missing":         func(e *Evidence) { delete(e.Frozen, "Sandbox") },
		"an answer missing":      func(e *Evidence) { e.Raw[""] = e.Raw[""][:1] },
		"a file changed":         func(e *Evidence) { e.Handed[1].Content = []byte("x") },
		"tokens changed":         func(e *Evidence) { e.Tokens[""] = append(slices.Clone(e.Tokens[""]), '\n') },
		"tokens missing":         func(e *Evidence) { delete(e.Tokens, "") },
		"a count of tokens":      func(e *Evidence) { e.Campaign.Readings[0].TokenCount++ },
		"a count of users":       func(e *Evidence) { e.Campaign.Readings[0].Count++ },
		"a packet missing":       func(e *Evidence) { e.Packets = e.Packets[:1] },
		"a packet twice":         func(e *Evidence) { e.Packets = append(e.Packets, e.Packets[0]) },
		"a remedy missing":       func(e *Evidence) { e.Packets[1].Fixes = e.Packets[1].Fixes[1:] },
		"a planned row too many": func(e *Evidence) { e.Campaign.Rows++ },
	} {
		e := evidenceOf(t)
		e.Campaign.Readings = slices.Clone(e.Campaign.Readings)
		touch(&e)
		page := string(filesOf(t, e)[FileReport])
		if !strings.Contains(page, "do not agree") || !strings.Contains(page, `<span class="bad">✗</span>`) {
			t.Errorf("%s: the page does not say so", name)
		}
	}
}

func TestACampaignThatGathersOrWasCancelledSaysSo(t *testing.T) {
	e := evidenceOf(t)
	e.Campaign.Phase, e.Campaign.ClosedAt, e.Campaign.Parts, e.Campaign.Rows = review.CampaignGathering, time.Time{},
		nil, 0
	e.Campaign.Gathered = map[string][]population.Row{"": e.Packets[1].Rows}
	e.Packets = nil
	files := filesOf(t, e)
	if n := len(table(t, files[FilePopulation])); n != 8 || len(table(t, files[FileDecisions])) != 0 {
		t.Errorf("%d rows while gathering", n)
	}
	if !strings.Contains(string(files[FileReport]), "not open yet") {
		t.Error("the page does not say that it is gathering")
	}
	e.Campaign.Phase, e.Campaign.Why = review.CampaignCancelled, "wrong quarter"
	if page := string(filesOf(t, e)[FileReport]); !strings.Contains(page, "was cancelled") || !strings.Contains(page,
		"wrong quarter") {
		t.Error("the page does not say that it was cancelled, and why")
	}
	if _, err := Files(Evidence{}); err != nil {
		t.Errorf("an empty campaign: %v", err)
	}
}

func TestAReviewOfThousandsOfRowsIsExported(t *testing.T) {
	e := evidenceOf(t)
	whole := e.Packets[1]
	e.Packets, e.Campaign.Parts = nil, nil
	for n := range 20 {
		p := whole
		p.ID, p.Number, p.Fixes, p.Rows, p.Verdicts = "p03-"+strings.Repeat("A", 5)+string(rune('A'+n)), n+1, nil, nil,
			nil
		for i := range population.MaxRows {
			r := proofUser("", string(rune('a'+n))+strings.Repeat("x", i%7)+"@acme.example", "", workflows.RoleMonitor)
			r.N, r.Mark = i+1, r.Mark+population.Stamp(proofDay(1, 0, i))
			p.Rows, p.Verdicts = append(p.Rows, r), append(p.Verdicts, population.Verdict{Decision: population.Keep,
				By: "U0DEE", At: proofDay(6, 9, i)})
		}
		e.Packets = append(e.Packets, p)
	}
	files := filesOf(t, e)
	if n := len(table(t, files[FileDecisions])); n != 20*population.MaxRows {
		t.Errorf("%d decisions of %d", n, 20*population.MaxRows)
	}
	if n := strings.Count(string(files[FileReport]), `<td class="who">`); n < 20*population.MaxRows {
		t.Errorf("the page shows %d rows", n)
	}
}
