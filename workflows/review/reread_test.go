package review

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// refuseCensus answers what is on its way with a refusal.
func (w *world) refuseCensus(code string) {
	w.t.Helper()
	for len(w.queue) > 0 {
		call := w.queue[0]
		w.queue = w.queue[1:]
		if call.Op != workflows.OpCensus {
			w.t.Fatalf("%+v", call)
		}
		w.receipt(workflows.Receipt{Op: call.Op, Environment: call.Environment, Refused: true, Code: code})
	}
}

func (w *world) receipt(r workflows.Receipt) {
	w.t.Helper()
	cmd := workflows.Command{Workflow: w.campaignID(), Name: workflows.CmdReceipt, Receipt: &r,
		Round: workflows.NoRound,
		Actor: workflows.Actor{Kind: workflows.ByIntegrator}}
	if err := w.do(cmd); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// One answer of 401 while a review opens must not cost a quarter.
func TestAReadingThatFailedForAMomentIsReadAgain(t *testing.T) {
	w := newWorld(t)
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.refuseCensus(workflows.RefusedUnauthorized)
	if s := w.state(); s.Phase != CampaignGathering || s.readingOf("Sandbox").Excluded != "" {
		t.Fatalf("%s, %+v", s.Phase, s.Readings)
	}
	if card := w.state().card("UDEE"); !slices.ContainsFunc(card.Buttons, func(b workflows.Button) bool {
		return b.Action == ActReread
	}) {
		t.Errorf("no button to read again: %+v", card.Buttons)
	}
	w.wait(2 * time.Minute)
	s := w.state()
	if s.Phase != CampaignOpen || s.readingOf("").Count != 7 || s.readingOf("Sandbox").Count != 2 {
		t.Errorf("%s, %+v", s.Phase, s.Readings)
	}
}

func TestWhatCouldNotBeReadIsReadAgainByAButton(t *testing.T) {
	w := newWorld(t)
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.refuseCensus(workflows.RefusedForbidden)
	if !w.state().needsFile() {
		t.Fatalf("%+v", w.state().Readings)
	}
	if err := w.click("Eve", ActReread, w.campaignID(), nil, 0); code(err) != "not_permitted" {
		t.Errorf("%v", err)
	}
	if err := w.click("Ben", ActReread, w.campaignID(), nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.click("Ben", ActReread, w.campaignID(), nil, 0); err != nil || !strings.Contains(w.last.Text,
		"Nothing has to be read") {
		t.Errorf("twice: %v, %q", err, w.last.Text)
	}
	w.drain()
	if s := w.state(); s.Phase != CampaignOpen || s.readingOf("").Count != 7 {
		t.Errorf("%s, %+v", s.Phase, s.Readings)
	}
}

// An environment that can be read only when reviewers are at work is reviewed in parts of its own,
// in what is left of the time.
func TestAnEnvironmentThatIsReadLateIsReviewedAfterAll(t *testing.T) {
	w := newWorld(t)
	sandbox := w.users["Sandbox"]
	delete(w.users, "Sandbox")
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	s := w.state()
	parts, rows := len(s.Parts), s.Rows
	if s.Phase != CampaignOpen || s.readingOf("Sandbox").Excluded == "" {
		t.Fatalf("%s, %+v", s.Phase, s.Readings)
	}
	w.wait(2 * day)
	w.users["Sandbox"] = sandbox
	w.wait(day)
	s = w.state()
	if s.readingOf("Sandbox").Excluded != "" || len(s.Parts) <= parts || s.Rows != rows+len(sandbox) {
		t.Fatalf("%d parts of %d rows, %+v", len(s.Parts), s.Rows, s.readingOf("Sandbox"))
	}
	seen := 0
	for _, p := range w.packets() {
		for _, r := range p.Rows {
			if r.Environment == "Sandbox" {
				seen++
				if !p.Due.Equal(s.Due) || !p.Closes.Equal(s.Closes) {
					t.Errorf("%s is due %v, not %v", p.ID, p.Due, s.Due)
				}
			}
		}
	}
	if seen != len(sandbox) {
		t.Errorf("%d rows of the sandbox are reviewed", seen)
	}
}

func TestNothingIsReadAgainAfterTheReview(t *testing.T) {
	w := newWorld(t)
	delete(w.users, "Sandbox")
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	w.wait(22 * day)
	if s := w.state(); s.Phase == CampaignOpen || !s.nextReading().IsZero() {
		t.Errorf("%s, read again %v", s.Phase, s.nextReading())
	}
}
