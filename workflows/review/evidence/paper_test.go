package evidence

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/keyholder/keyholder/bot/browsertest"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// paperDir keeps what was printed, to be looked at.
var paperDir = flag.String("paper", "", "folder to write the printed reports to")

// paperEvidence are the reports that are printed: the fixture, one without rows, and one that is as large and as odd as
// reports get.
func paperEvidence(t *testing.T) map[string]Evidence {
	t.Helper()
	small, none, odd := evidenceOf(t), evidenceOf(t), evidenceOf(t)
	none.Packets, none.Campaign.Parts, none.Campaign.Rows, none.Campaign.Exceptions = nil, nil, 0, nil
	odd.MadeBy = `"; } body { display: none } </style> Ξένια Παπαδοπούλου 王小明`
	names := []string{"Ξένια Παπαδοπούλου", "王小明", "محمد عبد الله", "प्रिया शर्मा", "Ольга Иванова", "",
		strings.Repeat("Wolfeschlegelsteinhausen", 3)}
	addresses := []string{"mmmmmmmmmmmmmm@wwww.example", "o@a.example", strings.Repeat("a", 64) + "@" +
		strings.Repeat("b", 27) + ".example", "ольга.иванова@пример.example"}
	reason := strings.Repeat("Because o@a.example said so on 2026-10-06, twice. ", 18)[:895]
	p := odd.Packets[1]
	p.Rows, p.Verdicts, p.Fixes = nil, nil, nil
	for i := range 400 {
		r := proofUser("", strconv.Itoa(i)+addresses[i%4], names[i%7], []string{workflows.RoleMonitor,
			workflows.RoleAdministrator, workflows.RoleManage}[i%3], population.FlagInactive)
		r.N = i + 1
		v := population.Verdict{Decision: population.Change, Role: workflows.RoleAdministrator, By: "U0DEE",
			At: proofDay(6, 9, i)}
		if i%4 == 0 {
			v.Reason = reason
		}
		if i%5 == 0 {
			r.Was = strings.Repeat("before", 15) + "@acme.example"
		}
		p.Rows, p.Verdicts = append(p.Rows, r), append(p.Verdicts, v)
		if i%9 == 0 {
			p.Fixes = append(p.Fixes, population.Fix{Row: i + 1, Action: population.FixChange,
				State: population.FixFailed, Why: "refused: " + addresses[i%4] + " is a user of another account",
				Before: workflows.RoleAdministrator, After: workflows.RoleAdministrator, How: workflows.Attested,
				Who: "U0BEN", Due: proofDay(31, 9, 0), At: proofDay(26, 9, i)})
		}
	}
	odd.Packets = []review.PacketState{p}
	return map[string]Evidence{"small": small, "none": none, "odd": odd}
}

// TestTheReportIsGoodOnPaper prints reports in a real browser and looks at each page.
func TestTheReportIsGoodOnPaper(t *testing.T) {
	browser := paperBrowser(t)
	pages := map[string][2]int{"small": {5, 8}, "none": {3, 5}, "odd": {35, 70}}
	for name, e := range paperEvidence(t) {
		file := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(file, filesOf(t, e)[FileReport], 0o600); err != nil {
			t.Fatal(err)
		}
		var faults []string
		var pdf []byte
		err := chromedp.Do(browser, chromedp.EmulateViewport(703, 1000), // as wide as A4 is between the margins
			chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
				return err
			}), chromedp.Navigate("file://"+file))
		if err == nil {
			faults, err = chromedp.Run(browser, chromedp.Evaluate[[]string](paperFaults))
		}
		if err == nil {
			pdf, err = chromedp.Run(browser, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
		}
		if err != nil {
			t.Fatalf("print %s: %v", name, err)
		}
		for _, f := range faults {
			t.Errorf("%s: %s", name, f)
		}
		printed := paperPages(t, pdf)
		if n := len(printed); n < pages[name][0] || n > pages[name][1] {
			t.Errorf("%s has %d pages, not %d to %d", name, n, pages[name][0], pages[name][1])
		}
		for i, p := range printed {
			p.judge(t, fmt.Sprintf("%s, page %d of %d", name, i+1, len(printed)))
		}
		if *paperDir != "" {
			if err := os.WriteFile(filepath.Join(*paperDir, name+".pdf"), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func paperBrowser(t *testing.T) context.Context {
	t.Helper()
	timed, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(stop)
	return browsertest.Start(timed, t, "the report was not printed", chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true))
}

// paperFaults says of the page, laid out as for paper, which texts leave their cell, which addresses and dates are
// parted at a line's end, and which IDs are shown that only programs need.
const paperFaults = `(() => {
  const faults = [], say = (what, text) => { if (faults.length < 12) faults.push(what + ': ' + text.slice(0, 120)) };
  if (getComputedStyle(document.body).display === 'none') say('the page is hidden', document.title);
  if (document.documentElement.scrollWidth > innerWidth) say('the page is wider than the paper', String(document.documentElement.scrollWidth));
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let n; n = walk.nextNode();) {
    const cell = n.parentElement.closest('td, th, dd, dt, li, p, h1, h2, h3, footer');
    if (!n.data.trim() || !cell || !n.parentElement.checkVisibility()) continue;
    const box = cell.getBoundingClientRect();
    range.selectNodeContents(n);
    for (const r of range.getClientRects()) if (r.left < box.left - 1 || r.right > box.right + 1) { say('leaves its cell', n.data); break; }
    for (const m of n.data.matchAll(/[^\s@<>()]+@[^\s@<>()]+|\d{4}-\d\d-\d\d/g)) {
      range.setStart(n, m.index);
      range.setEnd(n, m.index + m[0].length);
      if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) say('is parted', m[0]);
    }
    for (const m of n.data.matchAll(/\b[ap]\d\d-[A-Z0-9]{8}\b|\(U0[A-Z]{3}\)/g)) say('an ID', m[0]);
  }
  return faults;
})()`

// paperPage is what is known of a printed page: its height, and its lines of text between the margins, each with
// how far down it stands and the size of its letters, in the pixels of style sheets.
type paperPage struct {
	height float64
	lines  [][2]float64
}

// judge finds fault with pages that are nearly empty, and with headings of which nothing follows.
func (p paperPage) judge(t *testing.T, name string) {
	t.Helper()
	var last [2]float64
	for _, l := range p.lines {
		if l[0] > last[0] {
			last = l
		}
	}
	if last[0] < p.height/4 {
		t.Errorf("%s is nearly empty: its text ends at %.0f of %.0f", name, last[0], p.height)
	}
	const heading, column = 13.5, 9.5 // a heading is larger, and the names of columns are smaller, than other text
	if last[1] > heading || last[1] < column {
		t.Errorf("%s ends with a heading: letters of %.1f, at %.0f of %.0f", name, last[1], last[0], p.height)
	}
}

var (
	pdfPage   = regexp.MustCompile(`/Type /Page\n(?s:.*?)/MediaBox \[0 0 [0-9.]+ ([0-9.]+)\](?s:.*?)/Contents (\d+) 0 R`)
	pdfStream = regexp.MustCompile(`(?:^|\n)(\d+) 0 obj\n<<[^>]*?/Length (\d+)[^>]*>> stream\n`)
)

// paperPages reads as much of a PDF, as Chromium writes it, as the pages' text needs.
func paperPages(t *testing.T, pdf []byte) []paperPage {
	t.Helper()
	streams := map[string][]byte{}
	for _, at := range pdfStream.FindAllSubmatchIndex(pdf, -1) {
		length, err := strconv.Atoi(string(pdf[at[4]:at[5]]))
		if err != nil || at[1]+length > len(pdf) {
			t.Fatalf("a stream is of %s bytes", pdf[at[4]:at[5]])
		}
		if r, err := zlib.NewReader(bytes.NewReader(pdf[at[1] : at[1]+length])); err == nil {
			if streams[string(pdf[at[2]:at[3]])], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	var pages []paperPage
	for _, m := range pdfPage.FindAllSubmatch(pdf, -1) {
		points, _ := strconv.ParseFloat(string(m[1]), 64)
		p := paperPage{height: points * 4 / 3}
		p.read(string(streams[string(m[2])]))
		if len(p.lines) == 0 {
			t.Fatalf("page %d has no text, or a form that this test does not read", len(pages)+1)
		}
		pages = append(pages, p)
	}
	return pages
}

// read follows the scale and the shift downwards; Chromium turns nothing.
func (p *paperPage) read(content string) {
	type state struct{ scale, down float64 }
	now, size := state{1, 0}, 0.0
	var kept []state
	for line := range strings.Lines(content) {
		f := strings.Fields(line)
		number := func(i int) float64 { n, _ := strconv.ParseFloat(f[len(f)-i], 64); return n }
		switch {
		case len(f) == 0:
		case f[0] == "q":
			kept = append(kept, now)
		case f[0] == "Q" && len(kept) > 0:
			now, kept = kept[len(kept)-1], kept[:len(kept)-1]
		case f[len(f)-1] == "cm" && len(f) == 7:
			now = state{now.scale * number(4), now.down + now.scale*number(2)}
		case f[len(f)-1] == "Tf" && len(f) == 3:
			size = number(2)
		case f[len(f)-1] == "Tm" && len(f) == 7:
			const px, foot = 4.0 / 3, 60
			if y := p.height - (now.down+now.scale*number(2))*px; y < p.height-foot {
				p.lines = append(p.lines, [2]float64{y, size * math.Abs(now.scale) * px})
			}
		}
	}
}

func TestTheReportNamesProofsWithIssuerTimeAndMethod(t *testing.T) {
	e := evidenceOf(t)
	e.Packets[1].Signed.Proven = true
	link := &e.Chains[1].Links[2]
	proof, err := json.Marshal(workflows.StepUp{Issuer: "https://login.acme.example", Subject: "9f3a",
		AuthTime: proofDay(6, 10, 39), Methods: []string{"hwk", "pin"}, Class: "phr"})
	if err != nil {
		t.Fatal(err)
	}
	link.Body = bytes.Replace(link.Body, []byte(`"team":"T0ACME"`),
		fmt.Appendf(nil, `"team":"T0ACME","step_up":%s`, proof), 1)
	e.Chains[1] = relinked(t, e.Chains[1])
	said := func() string {
		return regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(filesOf(t, e)[FileReport]), "")
	}
	want := "Packet 1, Dee Lindqvist (U0DEE): with proof at https://login.acme.example (amr hwk pin, acr phr), 2026-10-06 10:39 UTC"
	if !strings.Contains(said(), want) {
		t.Errorf("the report does not say: %s", want)
	}
	link.Salt, link.Body, link.Erased = "", nil, true
	if want = "with proof; what it was is not in the record any more"; !strings.Contains(said(), want) {
		t.Errorf("after the event was erased the report does not say: %s", want)
	}
}

func TestNobodysNameEndsTheStyleOfTheReport(t *testing.T) {
	e := evidenceOf(t)
	e.MadeBy = "Bo\"; }\n\\</style><script>alert(1)</script>"
	page := string(filesOf(t, e)[FileReport])
	if n := strings.Count(page, "</style>"); n != 1 {
		t.Errorf("%d styles end", n)
	}
	foot := regexp.MustCompile(`@bottom-left \{ content: "([^"]*)"; white-space`).FindStringSubmatch(page)
	if foot == nil || !strings.Contains(foot[1], "by Bo") || strings.ContainsAny(foot[1], "<>;{}\n") {
		t.Errorf("the foot is %q", foot)
	}
}
