package bot

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

func TestReviewerWhoGoesOnHolidayIsNoticedAtOnce(t *testing.T) {
	r := running(t, slacksim.Options{Events: []string{"app_home_opened", "user_change", "user_status_changed"}})
	r.desk.waiting = []workflows.Overview{{ID: somePacket}}
	away := func() bool {
		people, err := r.bot.people.People(r.ctx(), []string{"UANA"})
		if err != nil {
			t.Fatal(err)
		}
		return people["UANA"].Away
	}
	if away() {
		t.Fatal("away before")
	}
	r.sim.UpdateUser("UANA", func(u *slacksim.User) { u.StatusText, u.StatusEmoji = "Vacationing", ":palm_tree:" })
	r.soon(func() bool { return len(r.desk.seen()) == 1 })
	if !away() {
		t.Error("Slack is not asked afresh")
	}
	r.sim.UpdateUser("UANA", func(u *slacksim.User) { u.StatusText, u.StatusEmoji = "", "" })
	r.soon(func() bool { return len(r.desk.seen()) == 2 })
	if c := r.desk.seen(); c[0].Name != review.LookPeople || c[0].Workflow != somePacket || c[0].ID == c[1].ID ||
		away() {
		t.Errorf("%+v", c)
	}
}

func TestPacketsOfSomebodyWhoseAccountChangedLookOnce(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	r.desk.waiting = []workflows.Overview{{ID: somePacket}, {ID: someWorkflow}, {ID: "p03-ABCDEFGH"}}
	hear := func(kind, updated string) {
		v := &visit{b: r.bot, at: time.Now(), ack: &ack{b: r.bot, envelope: "e1"}}
		v.arrival = decode(kindEvent, json.RawMessage(`{"team_id":"T0ACME","event":{"type":"`+kind+
			`","user":{"id":"UANA","updated":`+updated+`}}}`), r.bot.known)
		v.personChanged(r.ctx())
	}
	hear("user_change", "1700000000")
	hear("user_status_changed", "1700000000") // the same change, told again
	got := r.desk.seen()
	if len(got) != 2 || got[0].Workflow != somePacket || got[1].Workflow != "p03-ABCDEFGH" {
		t.Fatalf("%+v", got)
	}
	for _, c := range got {
		if c.Name != review.LookPeople || c.Actor != (workflows.Actor{Kind: workflows.ByKeyholder}) ||
			c.Round != workflows.NoRound || c.At.IsZero() || c.Submitted {
			t.Errorf("%+v", c)
		}
	}
	if got[0].ID == got[1].ID {
		t.Error("two commands share an ID")
	}
	hear("user_change", "1700000001")
	if n := len(r.desk.seen()); n != 4 {
		t.Errorf("%d commands after another change", n)
	}
	for range hearAtOnce { // the record is slow, and others wait for it already
		r.bot.hearing <- struct{}{}
	}
	hear("user_change", "1700000003")
	hear("app_home_opened_not", "1700000002")
	if n := len(r.desk.seen()); n != 4 {
		t.Errorf("%d commands after something else", n)
	}
}
