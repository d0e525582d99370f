package roster

import (
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
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
		if away != c.away || (away && c.ends > 0) != (until.Unix() == int64(c.ends)) || (!away || c.ends == 0) &&
			!until.IsZero() {
			t.Errorf("%q %s: %v until %v", c.text, c.emoji, away, until)
		}
	}
}

func TestDroppedPersonIsLookedUpAfresh(t *testing.T) {
	r := newRig(t, slacksim.Options{}, time.Now)
	ask := func() (string, string) {
		people, err := r.People(r.ctx(), []string{"UCAT"})
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.ByEmail(r.ctx(), "cat@acme.example")
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
	r.Drop("UCAT")
	if standing, id := ask(); standing != workflows.StandingDeactivated || id != "" {
		t.Errorf("after the drop: %q, %q", standing, id)
	}
}

func TestLookUpThatBeganBeforeADropIsNotKept(t *testing.T) {
	r := newRig(t, slacksim.Options{}, time.Now)
	r.sim.InjectFault(slacksim.Rule{Method: "users.info", Kind: slacksim.FaultLate, Delay: 150 * time.Millisecond,
		Times: 1})
	done := make(chan error, 1)
	go func() {
		_, err := r.People(r.ctx(), []string{"UCAT"})
		done <- err
	}()
	if err := r.sim.Wait(r.ctx(), func(*slacksim.Snapshot) bool { return r.calls("users.info") == 1 }); err != nil {
		t.Fatal(err)
	}
	r.Drop("UCAT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := r.People(r.ctx(), []string{"UCAT"}); err != nil || r.calls("users.info") != 2 {
		t.Errorf("%d calls, %v", r.calls("users.info"), err)
	}
}
