package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdp "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/keyholder/keyholder/bot/npmtest"
)

// axeCore fetches axe-core and answers its source.
func axeCore(t *testing.T) string {
	t.Helper()
	dir := npmtest.Install(t, "axe-core", filepath.Join("testdata", "axe"))
	source, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// sound fails the test for everything serious or critical that axe-core finds in what can be seen.
func (p *page) sound(screen string) {
	p.t.Helper()
	p.rest()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](
		`axe.run(document, { resultTypes: ['violations'] }).then(r =>
		r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).flatMap(v =>
			v.nodes.map(n => v.id + ' (' + v.help + '): ' + n.target.flat().join(' ') + ' ' + n.html.slice(0, 200) + ' ' +
				n.any.concat(n.all, n.none).map(c => c.message).join('; '))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: axe-core: %v", screen, err)
	}
	for _, f := range found {
		p.t.Errorf("%s: %s", screen, f)
	}
}

// judged has axe-core stand in every document that is loaded from now on, and loads the page.
func (p *page) judged(source string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cdp.AddScriptToEvaluateOnNewDocument,
			cdp.AddScriptToEvaluateOnNewDocumentParams{Source: source})
		return err
	}))
	p.visit("")
}

// twice judges a screen light at a desk, and dark on a phone.
func (p *page) twice(screen string) {
	p.t.Helper()
	p.sound(screen + ", light, at a desk")
	p.scheme("dark")
	p.do(chromedp.EmulateViewport(phoneWidth, phoneHeight))
	p.sound(screen + ", dark, on a phone")
	p.do(chromedp.EmulateViewport(width, height))
	p.scheme("light")
}

// Whoever cannot see the page or has no mouse can use every kind of screen, as far as a program can
// tell.
func TestNothingSeriousStandsAgainstAnyScreen(t *testing.T) {
	source := axeCore(t)
	s := start(t, options{})
	p := open(t, s)
	p.judged(source)
	s.accepted()
	s.request(dee, toAlias())
	s.until("ana's card", func() bool { return s.has(ana, "transfer.confirm") })

	p.actAs("Ana Silva")
	p.chat()
	p.find("button", "^Confirm$")
	p.sound("a card, light, at a desk")
	p.scheme("dark")
	p.do(chromedp.EmulateViewport(390, height))
	p.sound("a card, dark, on a phone")
	p.do(chromedp.EmulateViewport(width, height))
	p.click("button", "^Confirm$")
	for _, tab := range []string{"integrator.io", "Meddle", "Tour"} {
		p.click("tab", "^"+tab+"$")
		p.sound("the panel's " + tab)
	}
	p.goes("^Home$")
	p.sound("the home tab")
	p.actAs("Dee Okafor")
	p.room("integration-ops")
	for _, command := range []string{"help", "who acme", "status acme", "key acme", "docs acme"} {
		said := len(s.private(dee))
		p.said("/io " + command)
		s.until("the answer to "+command, func() bool { return len(s.private(dee)) > said })
	}
	p.sound("answers to commands")
	for command, button := range map[string]string{"access": "^Ask", "recover": "^Report it$",
		"key acme use": "^Ask$"} {
		p.said("/io " + command)
		p.find("button", button)
		p.sound("the form of /io " + strings.Fields(command)[0])
		p.click("button", "^(Back|Cancel|Close)$")
	}
	p.quiet()
}

// A review, its evidence, somebody's leaving and the tours, as the test above has the other screens.
func TestNothingSeriousStandsAgainstAReviewOrALeaving(t *testing.T) {
	source := axeCore(t)
	s := start(t, options{tour: tourReview})
	p := open(t, s)
	p.judged(source)
	p.twice("a tour")
	p.room("integration-ops")
	for _, c := range []struct{ command, shows string }{
		{"review acme", "it would ask:"}, {"review acme start", "is open:"}, {"review acme status", "rows"},
		{"whatif <@" + cat + ">", "What rests on"},
	} {
		p.said("/io " + c.command)
		p.sees(c.shows)
	}
	p.until("the card", func() bool { return s.has(dee, "review.open") })
	p.twice("answers about a review and a leaving")
	p.click("button", "^They leave…$")
	p.find("button", "^Begin$")
	p.twice("the form of somebody's leaving")
	p.click("button", "^Back$")
	p.chat()
	p.click("button", "^Go through the rows$")
	p.find("button", "^Save and close$")
	p.twice("the form of a review")
	p.click("button", "^Back$")
	p.click("button", "^Sign off…$")
	p.twice("the question before a signature")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.quiet()

	report, err := filepath.Abs(filepath.Join("..", "..", "workflows", "review", "evidence", "testdata", "acme",
		"report.html"))
	if err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Navigate("file://" + filepath.ToSlash(report)))
	p.sees("Review")
	p.twice("the report")
}
