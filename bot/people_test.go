package bot

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

func TestAbsenceIsReadFromTheStatus(t *testing.T) {
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	later := int(at.Add(48 * time.Hour).Unix())
	for _, c := range []struct {
		text, emoji string
		ends        int
		away        bool
	}{
		{"Vacationing", ":palm_tree:", 0, true},
		{"Out sick", ":face_with_thermometer:", later, true},
		{"", ":desert_island:", 0, true},
		{"", ":baby_bottle::skin-tone-3:", 0, true},
		{"OOO until Monday", "", 0, true},
		{"Out-of-office", "", 0, true},
		{"Parental leave, ask Ben", ":house:", 0, true},
		{"im Urlaub", "", 0, true},
		{"Vacationing", ":palm_tree:", int(at.Unix()), false},
		{"Vacationing", ":palm_tree:", int(at.Add(-time.Hour).Unix()), false},
		{"", "", 0, false},
		{"In a meeting", ":spiral_calendar_pad:", later, false},
		{"Working remotely", ":house_with_garden:", 0, false},
		{"Back from vacation", "", 0, false},
		{"working from the beach", ":palm_tree:", 0, false},
		{"Commuting", ":bus:", 0, false},
		{"sickening amounts of tickets", "", 0, false},
		{"holidaymaker", "", 0, false},
	} {
		away, until := absent(slack.UserProfile{StatusText: c.text, StatusEmoji: c.emoji, StatusExpiration: c.ends}, at)
		if away != c.away || (away && c.ends > 0) != (until.Unix() == int64(c.ends)) || (!away || c.ends == 0) && !until.IsZero() {
			t.Errorf("%q %s: %v until %v", c.text, c.emoji, away, until)
		}
	}
}

func TestDroppedPersonIsLookedUpAfresh(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	ask := func() (string, string) {
		people, err := r.bot.Roster().People(r.ctx(), []string{"UCAT"})
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.bot.Roster().ByEmail(r.ctx(), "cat@acme.example")
		if err != nil {
			t.Fatal(err)
		}
		return people["UCAT"].Standing, id
	}
	if standing, id := ask(); standing != "" || id != "UCAT" {
		t.Fatal(standing, id)
	}
	r.sim.UpdateUser("UCAT", func(u *slacksim.User) { u.Email = "cathy@acme.example" })
	r.sim.Deactivate("UCAT")
	if standing, id := ask(); standing != "" || id != "UCAT" {
		t.Error("nothing is remembered", standing, id)
	}
	r.bot.roster.drop("UCAT")
	if standing, id := ask(); standing != workflows.StandingDeactivated || id != "" {
		t.Errorf("after the drop: %q, %q", standing, id)
	}
}

func TestLookUpThatBeganBeforeADropIsNotKept(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	r.sim.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultLate, Delay: 150 * time.Millisecond, Times: 1})
	done := make(chan error, 1)
	go func() {
		_, err := r.bot.Roster().People(r.ctx(), []string{"UCAT"})
		done <- err
	}()
	r.soon(func() bool { return count(r.sim.Calls(), "users.info") == 1 })
	r.bot.roster.drop("UCAT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := r.bot.Roster().People(r.ctx(), []string{"UCAT"}); err != nil || count(r.sim.Calls(), "users.info") != 2 {
		t.Errorf("%d calls, %v", count(r.sim.Calls(), "users.info"), err)
	}
}

func TestReviewerWhoGoesOnHolidayIsNoticedAtOnce(t *testing.T) {
	r := running(t, slacksim.Options{Events: []string{"app_home_opened", "user_change", "user_status_changed"}})
	r.desk.waiting = []workflows.Overview{{ID: somePacket}}
	away := func() bool {
		people, err := r.bot.Roster().People(r.ctx(), []string{"UANA"})
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
	if c := r.desk.seen(); c[0].Name != review.LookPeople || c[0].Workflow != somePacket || c[0].ID == c[1].ID || away() {
		t.Errorf("%+v", c)
	}
}

func TestPacketsOfSomebodyWhoseAccountChangedLookOnce(t *testing.T) {
	r := stopped(t, slacksim.Options{})
	r.desk.waiting = []workflows.Overview{{ID: somePacket}, {ID: someWorkflow}, {ID: "p03-ABCDEFGH"}}
	hear := func(kind, updated string) {
		v := &visit{b: r.bot, at: time.Now(), ack: &ack{b: r.bot, envelope: "e1"}}
		v.arrival = decode(kindEvent, json.RawMessage(`{"team_id":"T0ACME","event":{"type":"`+kind+`","user":{"id":"UANA","updated":`+updated+`}}}`), r.bot.known)
		v.personChanged(r.ctx())
	}
	hear("user_change", "1700000000")
	hear("user_status_changed", "1700000000") // the same change, told again
	got := r.desk.seen()
	if len(got) != 2 || got[0].Workflow != somePacket || got[1].Workflow != "p03-ABCDEFGH" {
		t.Fatalf("%+v", got)
	}
	for _, c := range got {
		if c.Name != review.LookPeople || c.Actor != (workflows.Actor{Kind: workflows.ByKeyholder}) || c.Round != workflows.NoRound || c.At.IsZero() || c.Submitted {
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
