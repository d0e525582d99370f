package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/docs"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// page is the newest canvas of the account's channel.
func (s *stage) page() slacksim.Canvas {
	all := s.slack.Canvases()
	if len(all) == 0 {
		return slacksim.Canvas{}
	}
	return all[len(all)-1]
}

// written counts calls that write the page: canvases, or changes and posts in the channel.
func (s *stage) written(method string) (n int) {
	for _, c := range s.slack.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

func (s *stage) pageSays(words string) {
	s.t.Helper()
	s.until("the page to say "+words, func() bool { return strings.Contains(s.page().Markdown, words) })
}

func TestThePageFollowsWhatIsKnownWithOneCallEach(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	if got := s.slash(ana, "docs acme publish"); !strings.Contains(got, "Administrators of the account decide") {
		t.Errorf("Ana publishes: %s", got)
	}
	s.slash(dee, "docs publish")
	s.pageSays("**Owner:** jane@acme.example")
	s.pageSays("**Roles in Sandbox:**")
	if p := s.page(); p.Channel != opsRoom || strings.Contains(p.Markdown, "IT vault") || strings.Contains(p.Markdown,
		"Password of") || !strings.Contains(p.Markdown, "![](@U0ANA)") {
		t.Errorf("the page shows\n%s", p.Markdown)
	}
	if s.written("canvases.create") != 1 || s.written("canvases.edit") != 0 {
		t.Errorf("made %d times, written %d times", s.written("canvases.create"), s.written("canvases.edit"))
	}
	s.request(dee, toAlias())
	s.pageSays("**Open:** Hand Acme Production to celigo@acme.example")
	if n := s.written("canvases.edit"); n != 1 {
		t.Errorf("a request was written %d times", n)
	}
	// An edit by hand is noticed by its event, once our own is old enough to be told from it; here
	// by the look that comes each hour.
	if err := s.slack.EditCanvas(ana, s.page().ID, "Ana was here"); err != nil {
		t.Fatal(err)
	}
	s.forward(2 * time.Hour)
	s.pageSays("![](@U0ANA) edited this page by hand")
	if strings.Contains(s.page().Markdown, "Ana was here") {
		t.Error("what was written by hand stays")
	}
	first := s.page().ID
	if err := s.slack.DeleteCanvas(ana, first); err != nil {
		t.Fatal(err)
	}
	s.until("the page to come back", func() bool {
		return s.page().ID != first && strings.Contains(s.page().Markdown, "**Owner:**")
	})
	s.until("the administrator to hear of it", func() bool {
		return strings.Contains(s.all(dee), "The page about Acme Production was deleted")
	})
	s.slash(dee, "docs unpublish")
	s.pageSays("No longer kept up to date")
	if n := s.written("canvases.create"); n != 2 {
		t.Errorf("made %d times", n)
	}
}

// A Slack that lets nobody make canvases gets one message; while it asks for a pause, changes
// gather, and one call brings the last of them.
func TestThePageIsOneMessageWithoutCanvases(t *testing.T) {
	t.Parallel()
	s := prepare(t, options{})
	s.slack.InjectFault(slacksim.Rule{Method: "canvases.create", Kind: slacksim.FaultAPIError,
		Reason: "canvas_disabled_user_team"})
	s.bot(t)
	s.slash(dee, "docs publish")
	shown := func() (out []slacksim.Message) {
		for _, m := range s.slack.Messages(opsRoom) {
			if !m.Deleted && strings.Contains(string(m.Blocks), "Kept up to date by Keyholder") {
				out = append(out, m)
			}
		}
		return out
	}
	s.until("the page", func() bool { return len(shown()) == 1 })
	remove := s.slack.InjectFault(slacksim.Rule{Method: "chat.update", About: opsRoom, Kind: slacksim.FaultRateLimited,
		RetryAfter: 8 * time.Second})
	before := s.written("chat.update")
	s.request(dee, toAlias())
	s.until("the page to be held back", func() bool { return s.written("chat.update") > before })
	remove()
	s.press(dee, "transfer.cancel")
	s.fill(dee, map[string]map[string]any{"reason": {"reason": "not now"}})
	s.until("the newest page", func() bool {
		all := shown()
		return len(all) == 1 && strings.Contains(string(all[0].Blocks), "*Open:* nothing")
	})
	ts := shown()[0].TS
	if err := s.slack.DeleteMessage(dee, opsRoom, ts); err != nil {
		t.Fatal(err)
	}
	s.forward(2 * time.Hour)
	s.until("the page to come back", func() bool { return len(shown()) == 1 && shown()[0].TS != ts })
}

// clocked is a stage whose machine's clock is moved: by it pages are looked at, and pauses end that
// Slack asks for.
type clocked struct {
	*stage
	machine *machineTime
}

// moving prepares such a stage.
func moving(t *testing.T) clocked {
	t.Helper()
	s := prepare(t, options{})
	return clocked{s, newMachineTime(s)}
}

// later lets so much time pass, and everything that is due by then be done.
func (c clocked) later(by time.Duration) {
	c.t.Helper()
	c.atRest()
	c.machine.pass(by)
	c.atRest()
}

// writings are the calls that wrote the page into its canvas, whatever Slack answered.
func (c clocked) writings() (out []slacksim.Call) {
	for _, call := range c.slack.Calls() {
		if call.Method == "canvases.create" || call.Method == "canvases.edit" {
			out = append(out, call)
		}
	}
	return out
}

// writesOnce has something happen, after which the page says something: ten seconds later and by one
// call, however often it is looked at.
func (c clocked) writesOnce(what, words string, happen func()) {
	c.t.Helper()
	before := len(c.writings())
	happen()
	for range 2 { // the second look finds nothing new
		c.later(docs.LookEvery)
	}
	if page := c.page().Markdown; !strings.Contains(page, words) {
		c.t.Errorf("%s, and ten seconds later the page does not say %q:\n%s", what, words, page)
	}
	if n := len(c.writings()) - before; n != 1 {
		c.t.Errorf("%s, and the page was written %d times", what, n)
	}
}

// Five thousand users, and whatever the page tells of is on it at once, by one call.
func TestAPageAboutFiveThousandUsersIsWrittenOnceForEachChange(t *testing.T) {
	t.Parallel()
	c := moving(t)
	users := 5000
	if raceDetector {
		users = 1000 // the detector makes both ends many times slower; the pages are the same
	}
	c.account().SetSeats(users + 100)
	c.accepted()
	for i := range users {
		c.account().Production().AddUser(integratorsim.User{Email: fmt.Sprintf("user%04d@acme.example", i),
			Name: fmt.Sprint("User ", i), Role: "monitor", LastSignIn: c.clock.Now()})
	}
	stop := c.bot(t)
	c.writesOnce("it is published", fmt.Sprintf("%d monitor", users+4), func() { c.slash(dee, "docs publish") })
	c.writesOnce("a transfer was asked for", "**Open:** Hand Acme Production to", func() {
		c.request(dee, toAlias())
	})
	c.handedOnce()
	c.writesOnce("an access was asked for", "**Open:** Change the access of ben@acme.example", func() {
		c.askAccess(dee, benForADay())
	})
	c.writesOnce("the access was given", "ben@acme.example: is manage at integrator.io, until", func() {
		c.press(ana, "access.approve")
	})
	c.writesOnce("a review was opened", "**Last review:** "+c.clock.Now().Format("2006"), func() {
		c.slash(dee, "review acme start")
	})
	c.writesOnce("a drill was opened", "Drill: who can still sign in as", func() { c.slash(dee, "key acme drill") })
	c.writesOnce("the configuration changed", "**Naming conventions:** env-system-purpose", func() {
		stop()
		c.until("the bot to be gone", func() bool { return c.slack.Connections() == 0 })
		c.cfg.Accounts[0].Conventions.Naming = "env-system-purpose"
		c.bot(t)
	})
}

// handedOnce takes a transfer from its confirmations to its end. On its way the page may be looked
// at, and what it says then is as right as at the end, so only what is written twice is too much.
func (c clocked) handedOnce() {
	c.t.Helper()
	before := len(c.writings())
	c.press(ana, "transfer.confirm")
	c.press(ben, "transfer.confirm")
	c.acceptOwnership(aliasEmail)
	c.insistSettle(ana)
	for range 2 {
		c.later(docs.LookEvery)
	}
	page := c.page().Markdown
	if !strings.Contains(page, "**Owner:** "+aliasEmail) || !strings.Contains(page, "**Open:** nothing") {
		c.t.Errorf("the account was handed over, and ten seconds later the page says\n%s", page)
	}
	calls := c.writings()[before:]
	for i := 1; i < len(calls); i++ {
		if fmt.Sprint(calls[i].Args) == fmt.Sprint(calls[i-1].Args) {
			c.t.Errorf("the page was written twice as it stands: %v", calls[i].Args)
		}
	}
	if len(calls) == 0 || len(calls) > 3 { // the owner, their former role, the end
		c.t.Errorf("the account was handed over, and the page was written %d times", len(calls))
	}
}

// Slack asks for twenty minutes again and again, for an hour in which much happens; afterwards one
// call brings what holds then.
func TestAfterAnHourOfPausesThePageIsWrittenOnce(t *testing.T) {
	t.Parallel()
	c := moving(t)
	c.bot(t)
	c.writesOnce("it is published", "**Open:** nothing", func() { c.slash(dee, "docs publish") })
	const pause = 20 * time.Minute
	end := c.slack.InjectFault(slacksim.Rule{Method: "canvases.edit", Kind: slacksim.FaultRateLimited,
		RetryAfter: pause})
	before := len(c.writings())
	for range 3 {
		c.request(dee, toAlias())
		c.later(docs.LookEvery)
		c.press(dee, "transfer.cancel")
		c.fill(dee, map[string]map[string]any{"reason": {"reason": "not now"}})
		c.later(pause - docs.LookEvery)
	}
	if n := len(c.writings()) - before; n != 3 {
		t.Errorf("Slack was asked %d times in an hour of three pauses", n)
	}
	c.request(dee, toAlias())
	c.later(docs.LookEvery)
	end()
	before = len(c.writings())
	for range 4 {
		c.later(pause / 2)
	}
	if n := len(c.writings()) - before; n != 1 {
		t.Errorf("after the pauses the page was written %d times", n)
	}
	if page := c.page().Markdown; !strings.Contains(page, "**Open:** Hand Acme Production to") {
		t.Errorf("after the pauses the page says\n%s", page)
	}
}
