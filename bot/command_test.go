package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

func TestWordsAnswer(t *testing.T) {
	r := running(t, slacksim.Options{})
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{"/io status", "/io transfer", "/io mine", "/io delegate", "/io audit"}},
		{"HELP", []string{"/io status"}},
		{"statsu", []string{"Did you mean `/io status`"}},
		{"transfr acme", []string{"Did you mean `/io transfer`"}},
		{"<@UBEN>", []string{"Did you mean", "/io help"}},
		{"status", []string{"Acme Production", "\nOwner: jane@acme.example\n",
			"celigo@acme.example: read by <@UANA> and <@UBEN>", "Open: nothing."}},
		{"owner ACME", []string{"\nOwner: jane@acme.example\n"}},
		{"status acme production", []string{"\nOwner: jane@acme.example\n"}},
		{"status acmee", []string{"There is no account", "Did you mean `acme`"}},
		{"status zebra-holdings", []string{"There is no account", "`/io status` lists all there are"}},
		{"status ‘acme’", []string{"\nOwner: jane@acme.example\n"}},
		{"status „acme“", []string{"\nOwner: jane@acme.example\n"}},
		{"status «Acme Production»", []string{"\nOwner: jane@acme.example\n"}},
		{"status \"acme", []string{"\nOwner: jane@acme.example\n"}},
		{"who @pat", []string{"Pick the person from the list", "/io who @person"}},
		{"@pat", []string{"/io who @person"}},
		{"recuver", []string{"There is no command", "`/io help` lists all of them"}},
		{"fhqwhgads", []string{"There is no command", "`/io help` lists all of them"}},
		{"mine", []string{"Nothing waits for you"}},
		{"audit", []string{"Give its ID"}},
		{"audit t07", []string{"is not an ID"}},
		{"audit t07-NONE1234", []string{"nothing under that ID"}},
		{"delegate", []string{"/io delegate @person"}},
		{"delegate @ben", []string{"delegated to UBEN"}},
		{"delegate bob", []string{"Pick the person from the list"}},
		{"delegate @ben someday", []string{"neither a date nor a length"}},
		{"delegate off", []string{"delegated to"}},
		{"transfer nowhere", []string{"There is no account"}},
	} {
		text := r.slash("UANA", c.text)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("/io %s: %q is missing in\n%s", c.text, want, text)
			}
		}
	}
}

func TestOnlyFullMembersOfOurWorkspaceAreServed(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.sim.Deactivate("UCAT")
	for user, want := range map[string]string{"UGUEST": "You are a guest", "UFOREIGN": "another Slack workspace",
		"UCAT": "deactivated", "UNOBODY": "does not know who you are", "USLACKBOT": "Apps and bots"} {
		res, err := r.sim.SlashForged(r.ctx(), user, "C0OPS", "/io", "status", nil)
		if err != nil || !strings.Contains(res.Text, want) || strings.Contains(res.Text, "jane@") {
			t.Errorf("%s: %q, %v", user, res.Text, err)
		}
	}
	res, err := r.sim.SlashForged(r.ctx(), "UANA", "C0OPS", "/io", "status", map[string]any{"user_id": 7})
	if err != nil || !strings.Contains(res.Text, "cannot read") {
		t.Errorf("garbage: %q, %v", res.Text, err)
	}
}

func TestStatusWithoutATokenTellsThePageSteps(t *testing.T) {
	r := running(t, slacksim.Options{})
	a := acme
	a.Policy.Token = false
	a.State.Owner, a.State.Since, a.State.By, a.State.Previous = "celigo@acme.example", time.Unix(1.7e9, 0),
		someWorkflow, "jane@acme.example"
	r.desk.accounts = []workflows.AccountInfo{a}
	p := r.posted(testCard("UANA"))
	r.desk.places = map[string]workflows.Place{someWorkflow + "/UANA": p}
	r.desk.open = []workflows.Overview{{ID: someWorkflow, Title: "Hand Acme | Production to <x>", Stage: "confirming",
		Opened: time.Unix(1.7e9, 0), Waiting: []string{"UBEN"}}}
	text := r.slash("UANA", "status")
	for _, want := range []string{"\nOwner: celigo@acme.example\n", "by `" + someWorkflow +
		"`; before that jane@acme.example", "*Users*", "Make account owner", "Confirm", "waits for <@UBEN>",
		"/archives/" + p.Channel, "&lt;x&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if text := r.slash("UBEN", "status"); strings.Contains(text, "/archives/") {
		t.Errorf("somebody else's card is linked:\n%s", text)
	}
}

func TestSeveralAccountsAreToldApart(t *testing.T) {
	r := running(t, slacksim.Options{})
	beta := workflows.AccountInfo{Policy: workflows.Policy{ID: "beta", Name: "Beta & Sons", Owner: "bea@beta.example",
		Token: true}}
	r.desk.accounts = append(r.desk.accounts, beta)
	if text := r.slash("UANA", "status"); !strings.Contains(text, "Owner: jane@acme.example\n") ||
		!strings.Contains(text, "Owner: bea@beta.example") {
		t.Errorf("status: %s", text)
	}
	if text := r.slash("UANA", "status beta & sons"); !strings.Contains(text, "Owner: bea@beta.example") ||
		strings.Contains(text, "jane@") {
		t.Errorf("status beta & sons: %s", text)
	}
	if text := r.slash("UANA", "transfer"); text != "" || len(r.sim.Views("UANA")) != 1 {
		t.Errorf("transfer: %q", text)
	}
}

func TestStoryIsForReadersAndNeverTooLong(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.desk.open = []workflows.Overview{{ID: someWorkflow, Account: "acme", Title: "Hand over", Stage: "confirming"}}
	r.desk.readers = map[string]bool{"UANA": true}
	for i := range 900 {
		r.desk.story = append(r.desk.story, workflows.StoryLine{At: time.Unix(int64(i), 0),
			By: workflows.Actor{Kind: workflows.ByPerson, ID: "UDEE"}, Text: fmt.Sprintf("step %d &amp; “<@UBEN>”", i)})
	}
	if text := r.slash("UBEN", "audit "+someWorkflow); strings.Contains(text, "step") || !strings.Contains(text,
		"You are none of them") {
		t.Errorf("no reader: %s", text)
	}
	text := r.slash("UANA", "audit "+strings.ToLower(someWorkflow))
	for _, want := range []string{"step 0 ", "step 2 ", "step 899 ", "left out here; `keyholder audit export`",
		"<@UDEE>: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%.500s", want, text)
		}
	}
	for _, a := range r.sim.Acks() {
		if a.Ignored != "" || len(a.Payload) > 20_000 {
			t.Errorf("ack of %d bytes, ignored: %q", len(a.Payload), a.Ignored)
		}
	}
}

func TestDelegationReadsItsEnd(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	r := running(t, slacksim.Options{}, func(o *Options) {
		o.Now, o.RealNow = func() time.Time {
			return now
		}, time.Now
	})
	r.sim.UpdateUser("UANA", func(u *slacksim.User) { u.TZ = "America/New_York" })
	type asked struct {
		to    string
		until time.Time
		id    string
	}
	got := make(chan asked, 1)
	r.desk.delegate = func(c workflows.Command, to string, until time.Time) (workflows.Reply, error) {
		got <- asked{to, until, c.ID}
		return workflows.Reply{Text: "ok"}, nil
	}
	for text, want := range map[string]time.Time{
		"@ben": {}, "@ben 3d": now.Add(72 * time.Hour), "@ben 12h": now.Add(12 * time.Hour),
		"@ben 1d6h": now.Add(30 * time.Hour), "@ben 90m": now.Add(90 * time.Minute),
		"@ben 2026-12-24": time.Date(2026, 12, 25, 5, 0, 0, 0, time.UTC),
	} {
		r.slash("UANA", "delegate "+text)
		if a := <-got; a.to != "UBEN" || !a.until.Equal(want) || a.id == "" {
			t.Errorf("%s: %+v, want until %v", text, a, want)
		}
	}
	for _, bad := range []string{"0d", "d", "h", "-3d", "3", "2026-02-30", "1e9d", "99999999999d"} {
		v := &visit{b: r.bot}
		if until, ok := v.until(context.Background(), bad); ok {
			t.Errorf("%s: until %v", bad, until)
		}
	}
}

func TestRecordAwayIsSaidInTheAnswer(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.desk.fault = workflows.ErrAway
	for _, text := range []string{"status", "mine", "transfer acme"} {
		if got := r.slash("UANA", text); !strings.Contains(got, "cannot be reached") {
			t.Errorf("/io %s: %q", text, got)
		}
	}
}

func TestHomeTellsWhatWaits(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.desk.waiting = []workflows.Overview{{ID: someWorkflow, Title: "Hand over", Stage: "confirming"}}
	for user, want := range map[string]string{"UANA": "Hand over", "UGUEST": "You are a guest"} {
		if err := r.sim.OpenHome(r.ctx(), user); err != nil {
			t.Fatal(err)
		}
		r.until(func(n *slacksim.Snapshot) bool {
			v, ok := n.Home(user)
			return ok && strings.Contains(string(v.Blocks), want)
		})
	}
}

func TestNothingIsProposedThatIsFarOrNotThere(t *testing.T) {
	r := running(t, slacksim.Options{})
	for _, typed := range []string{"fhqwhgads", "x", "erase acme", "status zebra-holdings", "who zzz"} {
		if text := r.slash("UANA", typed); strings.Contains(text, "Did you mean") {
			t.Errorf("/io %s: %s", typed, text)
		}
	}
}

func TestAnIDIsFoundInAnyCaseAndBetweenAnyQuotes(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.desk.readers = map[string]bool{"UANA": true}
	r.desk.open = []workflows.Overview{{ID: "t07-7KQ2M9XA", Account: "acme", Title: "Hand it over"},
		{ID: "r07-acme-2026q4", Account: "acme", Title: "A review"}}
	for typed, want := range map[string]string{"T07-7KQ2M9XA": "t07-7KQ2M9XA", "t07-7kq2m9xa": "t07-7KQ2M9XA",
		"T07-7kq2M9xa": "t07-7KQ2M9XA", "‘t07-7KQ2M9XA’": "t07-7KQ2M9XA",
		"R07-ACME-2026Q4": "r07-acme-2026q4", "r07-acme-2026q4": "r07-acme-2026q4",
		"„R07-Acme-2026q4“": "r07-acme-2026q4"} {
		if text := r.slash("UANA", "audit "+typed); !strings.Contains(text, "`"+want+"`") {
			t.Errorf("/io audit %s: %s", typed, text)
		}
	}
}

func TestWhoMayNotAskHearsItBeforeTheFormOpens(t *testing.T) {
	r := running(t, slacksim.Options{})
	r.desk.would = func(cmd workflows.Command) error {
		if cmd.Actor.ID != "UCAT" {
			return nil
		}
		if cmd.Name != "transfer.request" || cmd.Account != "acme" || cmd.Workflow == "" {
			t.Errorf("asked with %+v", cmd)
		}
		return workflows.Refuse("not_permitted",
			"Only the holders can ask for a transfer. Nothing was recorded. See `{command} help`.")
	}
	if text := r.slash("UCAT", "transfer acme"); !strings.Contains(text, "Only the holders") || !strings.Contains(text,
		"`/io help`") || len(r.sim.Views("UCAT")) > 0 {
		t.Errorf("%q, %d forms", text, len(r.sim.Views("UCAT")))
	}
	if text := r.slash("UANA", "transfer acme"); text != "" {
		t.Error(text)
	}
	r.until(func(*slacksim.Snapshot) bool { return len(r.sim.Views("UANA")) == 1 })
	if len(r.desk.seen()) > 0 {
		t.Errorf("recorded: %+v", r.desk.seen())
	}
}

func TestNearestWord(t *testing.T) {
	for typed, want := range map[string]string{"staus": "status", "tranfser": "transfer", "dlegate": "delegate",
		"owners": "owner", "hlep": "help"} {
		if got := nearest(typed, known()); got != want {
			t.Errorf("%s: %s, want %s", typed, got, want)
		}
	}
}
