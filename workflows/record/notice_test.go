package record_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/record"
)

func TestTheChannelHearsOfDoubtsOnceADay(t *testing.T) {
	b := newBook(t)
	ours := workflows.Actor{Kind: workflows.ByKeyholder}
	doubt := func(at time.Time, records string) error {
		cmd := workflows.Command{Name: record.CmdDoubted, Actor: ours, At: at, Workflow: "l00-LEDGER01",
			Input: map[string]string{record.BlockRecords: records}}
		if _, err := (record.Checkpoints{}).Decide(b.state, cmd, workflows.Facts{}); err != nil {
			return err
		}
		b.do(cmd)
		return nil
	}
	cards := func() string {
		var all []string
		for _, c := range (record.Checkpoints{}).View(b.state).Cards {
			all = append(all, c.Name+": "+c.Title+" "+strings.Join(c.Lines, " "))
		}
		return strings.Join(all, "\n")
	}
	if err := doubt(epoch, "\n"); err != nil || cards() != "" {
		t.Errorf("nothing to tell: %v, %s", err, cards())
	}
	if err := doubt(epoch, "person U0ANA (state)\nworkflow t01-X (chain)\nperson U0ANA (state)"); err != nil {
		t.Fatal(err)
	}
	if got := cards(); !strings.Contains(got, "notice-1: ! Somebody changed Keyholder's record in Redis") ||
		!strings.Contains(got, "`person U0ANA (state)` and `workflow t01-X (chain)`") {
		t.Error(got)
	}
	var refused *workflows.Refusal
	if err := doubt(epoch.Add(record.NoticeEvery-time.Second), "person U0BEN (state)"); !errors.As(err, &refused) ||
		refused.Code != record.CodeToldToday {
		t.Errorf("told again within a day: %v", err)
	}
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("workflow t01-%02d (place)", i))
	}
	if err := doubt(epoch.Add(record.NoticeEvery), strings.Join(many, "\n")); err != nil {
		t.Fatal(err)
	}
	if got := cards(); !strings.Contains(got, "notice-2") || !strings.Contains(got, "and 10 more.") ||
		strings.Contains(got, "notice-1") {
		t.Error(got)
	}
	b.do(workflows.Command{Name: record.CmdSealed, Actor: ours, At: epoch.Add(25 * time.Hour),
		Input: map[string]string{record.BlockCount: "12"}})
	if got := cards(); !strings.Contains(got,
		"notice-3: Keyholder's record is sealed with a key that is new here 12 records") {
		t.Error(got)
	}
	for _, name := range []string{record.CmdDoubted, record.CmdSealed} {
		cmd := workflows.Command{Name: name, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U0EVE"},
			At: epoch.Add(99 * time.Hour), Input: map[string]string{record.BlockRecords: "x",
				record.BlockCount: "1"}}
		if _, err := (record.Checkpoints{}).Decide(b.state, cmd, workflows.Facts{}); !errors.As(err, &refused) {
			t.Errorf("a person gave %s: %v", name, err)
		}
	}
}
