package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// phone is the screen of a phone, as the browser measures it.
const phoneWidth, phoneHeight = 390, 844

// formHeights are the heights of a form's content and of what is seen of it at once.
func (p *page) formHeights() [2]float64 {
	p.t.Helper()
	return ask[[2]float64](p, `(() => {
		const all = [...document.querySelectorAll('dialog *')].filter(e => e.checkVisibility() && ['auto', 'scroll'].includes(getComputedStyle(e).overflowY) && e.scrollHeight > e.clientHeight);
		return all.length ? [all[0].scrollHeight, all[0].clientHeight] : [0, 0];
	})()`)
}

// A reviewer decides on a phone: a page is no longer than three of its screens, with its buttons
// above the rows and below them.
func TestAPageOfAReviewFitsThreeScreensOfAPhone(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.crowdIn(40)
	s.startReview()
	p := open(t, s)
	p.actAs("Dee Okafor")
	p.chat()
	p.click("button", "^Go through the rows")
	p.sees("page 1 of")
	p.do(chromedp.EmulateViewport(phoneWidth, phoneHeight))
	for n := 1; ; n++ {
		p.sees(fmt.Sprintf("page %d of", n))
		p.until("the page to be laid out", func() bool { return p.formHeights()[1] > 0 })
		if h := p.formHeights(); h[0] > 3*h[1] {
			t.Errorf("page %d is %.0f px long, %.1f screens of %.0f px", n, h[0], h[0]/h[1], h[1])
		}
		if n == 1 && p.shows("Page before") {
			t.Error("the first page offers the page before")
		}
		if !p.shows("Next page") {
			break
		}
		p.click("button", "^Next page")
	}
	p.quiet()
}

func TestSigningTooEarlyLeadsToTheRowsThatAreOpen(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.startReview()
	s.press(dee, "review.sign")
	s.until("what is missing, with a way", func() bool { return s.wayTo(dee) != nil })
	m := s.wayTo(dee)
	if !strings.Contains(m.Text, "Still open: jane@acme.example (row 1") {
		t.Errorf("what is missing is told as %s", m.Text)
	}
	b := buttons(*m)[0]
	if _, err := s.slack.Click(s.ctx, dee, m.Channel, m.TS, b.BlockID, b.ActionID); err != nil {
		t.Fatal(err)
	}
	s.until("the rows", func() bool { return len(s.slack.Views(dee)) > 0 })
	if rows := pageRows(t, s.slack.Views(dee)[0]); len(rows) == 0 || rows[0].n != "1" {
		t.Errorf("the way leads to %v", rows)
	}
}

// wayTo is the private answer that leads to somebody's open rows.
func (s *stage) wayTo(who string) *slacksim.Message {
	for _, m := range s.private(who) {
		if b := buttons(m); strings.Contains(m.Text, "Not signed off") && len(b) == 1 &&
			b[0].ActionID == "review.open" {
			return &m
		}
	}
	return nil
}
