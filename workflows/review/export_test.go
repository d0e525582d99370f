package review

import (
	"strconv"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
)

// export is Keyholder's word that files were made.
func (w *world) export(sum, person string) error {
	return w.do(workflows.Command{Workflow: w.campaignID(), Name: ExportReview,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, Round: workflows.NoRound,
		Input: map[string]string{BlockManifest: sum, BlockFiles: "12", BlockPerson: person}})
}

func (w *world) channelSays() string {
	var b strings.Builder
	for _, c := range (Campaign{}).View(w.state()).Cards {
		if c.Recipient == "COPS" {
			b.WriteString(c.Title + "\n" + strings.Join(c.Lines, "\n") + "\n")
		}
	}
	return b.String()
}

// The hash of every set of files is an event of the review and stands in the channel, whatever the stage.
func TestTheHashOfEveryExportIsRecordedAndPosted(t *testing.T) {
	w := opened(t)
	early, late := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	if err := w.export(early, "UAUD"); err != nil {
		t.Fatal(err)
	}
	if says := w.channelSays(); !strings.Contains(says, early) || !strings.Contains(says, "<@UAUD>") ||
		!strings.Contains(says, "was not over then") {
		t.Errorf("the channel reads\n%s", says)
	}
	round := w.state().Round
	for _, who := range []string{"Dee", "Ana"} {
		w.keepEverything(who)
		w.sign(who)
	}
	w.drain()
	if w.state().Phase != CampaignCompleted {
		t.Fatalf("%s", w.state().Phase)
	}
	if err := w.export(late, ""); err != nil {
		t.Fatal(err)
	}
	says := w.channelSays()
	if !strings.Contains(says, early) || !strings.Contains(says, late) || !strings.Contains(says,
		"Somebody on the command line") || strings.Count(says, "was not over then") != 1 {
		t.Errorf("the channel reads\n%s", says)
	}
	if round > w.state().Round || w.state().ExportCount != 2 || !w.state().Closed() {
		t.Errorf("%+v", w.state().Exports)
	}
	told := ""
	for _, e := range w.runs[w.campaignID()].events {
		told += Campaign{}.Tell(e) + "\n"
	}
	if !strings.Contains(told, early) || !strings.Contains(told, late) {
		t.Errorf("the story reads\n%s", told)
	}
}

func TestAnExportIsOnlyKeyholdersWordAndItsHashAHash(t *testing.T) {
	w := opened(t)
	if _, err := w.state().exported(workflows.Command{Input: map[string]string{BlockManifest: "no hash",
		BlockFiles: "1"}}); err == nil {
		t.Error("what is no hash was recorded")
	}
	err := w.do(workflows.Command{Workflow: w.campaignID(), Name: ExportReview,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "UDEE"}, Round: workflows.NoRound,
		Input: map[string]string{BlockManifest: strings.Repeat("c3", 32), BlockFiles: "1"}})
	if code(err) == "" || w.state().ExportCount != 0 {
		t.Errorf("a person recorded an export: %v", err)
	}
}

// However often somebody exports, the state stays small; what is no longer drawn stays in Slack.
func TestManyExportsAreNotKeptInTheState(t *testing.T) {
	w := opened(t)
	for n := range 3 * exportsShown {
		if err := w.export(strings.Repeat("0", 62)+strconv.Itoa(10+n), "UDEE"); err != nil {
			t.Fatal(err)
		}
	}
	if s := w.state(); s.ExportCount != 3*exportsShown || len(s.Exports) != exportsShown ||
		s.Exports[exportsShown-1].N != s.ExportCount {
		t.Errorf("%d of %d", len(s.Exports), s.ExportCount)
	}
}
