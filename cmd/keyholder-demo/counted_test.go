package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// share is for what a part of a story calls Slack at least, by method.
type share struct {
	why string
	by  map[string]int
}

// most is how many calls there may be for each ten that are needed.
const most = 13

// withinLeast compares the calls since the beginning with the least that is possible: each message posted
// once, each card changed once for each change that its reader sees, a form opened and shown anew, an
// answer, a person looked up once. What passes in a moment, as a reading at integrator.io, counts for
// nothing there; on a slow machine it may be shown, and never is anything shown twice.
// KEYHOLDER_TEST_CALLS lists the calls.
func (s *stage) withinLeast(from []slacksim.Call, shares ...share) {
	s.t.Helper()
	least, got := map[string]int{}, map[string]int{}
	for _, sh := range shares {
		for method, n := range sh.by {
			least[method] += n
		}
	}
	for _, c := range s.slack.Calls()[len(from):] {
		got[c.Method]++
		if os.Getenv("KEYHOLDER_TEST_CALLS") != "" {
			s.t.Logf("%s %-20s %.70v %.70v", c.Time.Format("05.000"), c.Method, c.Args["channel"], c.Args["text"])
		}
	}
	sum := func(by map[string]int) (n int) {
		for _, m := range by {
			n += m
		}
		return n
	}
	both := maps.Clone(got)
	maps.Copy(both, least)
	for _, method := range slices.Sorted(maps.Keys(both)) {
		s.t.Logf("%-20s %3d, least %d", method, got[method], least[method])
	}
	if 10*sum(got) > most*sum(least) {
		s.t.Errorf("%d calls, and %d would do", sum(got), sum(least))
	}
	s.t.Logf("%d calls, %d would do", sum(got), sum(least))
}

// quietNow waits until every card says what it will go on saying, which is what ends a story here.
func (s *stage) quietNow(what string, people []string, words string) {
	s.t.Helper()
	s.until(what, func() bool {
		return !slices.ContainsFunc(people, func(who string) bool { return !strings.Contains(s.all(who), words) })
	})
}

func TestATransferCallsSlackAsOftenAsItMust(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	from := s.slack.Calls()
	s.handOverOnce("custodians", "help", "mfa", "token", "docs")
	s.quietNow("the end on every card", []string{dee, ana, ben, cat, jane}, "✓ Acme Production belongs to "+aliasEmail)
	s.until("the end in the channel", func() bool { return s.inRoom("✓ Acme Production belongs to " + aliasEmail) })
	s.withinLeast(from,
		share{"Dee's form; Jane is found by her address", map[string]int{"views.open": 1, "users.lookupByEmail": 1,
			"users.info": 1}},
		share{"a card for Dee, who asked, and for Ana, Ben and Cat; the channel hears of the start",
			map[string]int{"chat.postMessage": 5}},
		share{"Ana signs up; the checks are good and it is to be confirmed; Ana confirms; Ben confirms: four cards each",
			map[string]int{"chat.update": 4 * 4}},
		share{"now Jane has a card, too", map[string]int{"chat.postMessage": 1}},
		share{"invited; Cat accepts; the owner has changed; done: five cards each", map[string]int{"chat.update": 4 * 5}},
		share{"the change of owner is told to Jane and to the channel, where the start becomes short",
			map[string]int{"chat.postMessage": 2, "chat.update": 1}},
		share{"Ben's form; the channel's message says that it is done", map[string]int{"views.open": 1,
			"chat.update": 1}})
}

// inRoom reports whether a message of the operations channel says something now.
func (s *stage) inRoom(words string) bool {
	return slices.ContainsFunc(s.slack.Messages(opsRoom), func(m slacksim.Message) bool {
		return strings.Contains(m.Text+"\n"+string(m.Blocks), words)
	})
}

func TestAReviewCallsSlackAsOftenAsItMust(t *testing.T) {
	t.Parallel()
	four := []string{dee, ana, ben, cat}
	s := start(t, options{edit: func(yaml string) string {
		return strings.Replace(quick(yaml), "reviewers: [U0DEE, U0ANA]", "reviewers: ["+strings.Join(four, ", ")+"]", 1)
	}})
	for i := range 300 {
		s.account().Production().AddUser(integratorsim.User{Email: fmt.Sprintf("user%04d@acme.example", i),
			Name: fmt.Sprint("User ", i), Role: "monitor", MFARequired: true,
			LastSignIn: s.clock.Now().AddDate(0, 0, -3), CreatedAt: s.clock.Now().AddDate(0, 0, -200)})
	}
	from := s.slack.Calls()
	id := campaignID(s.slash(dee, "review acme start"))
	r := &reader{stage: s, remove: map[string]bool{}}
	for i, who := range four {
		s.until(who+"'s part", func() bool { return s.has(who, "review.open") })
		if err := r.decides(who, i == 0); err != nil {
			t.Fatal(err)
		}
		s.quietNow("the signature's turn", []string{who}, "it is not signed off yet")
		s.press(who, "review.sign")
		s.quietNow("the signature on every card", four[:i], "signed off")
	}
	s.until("the end", func() bool { return s.stageOf(id) == "completed" })
	s.quietNow("the end on every card", four, "✓ Reviewed: Acme Production")
	s.until("the end in the channel", func() bool { return s.inRoom("✓ Reviewed: Acme Production") })
	turned := 0
	for _, c := range s.slack.Calls()[len(from):] {
		if c.Method == "views.update" {
			turned++
		}
	}
	if turned != len(r.turns) {
		t.Errorf("%d pages were turned, and %d shown", len(r.turns), turned)
	}
	s.withinLeast(from,
		share{"each of Dee, Ana, Ben and Cat looks after the account and has a part; the channel's one post",
			map[string]int{"chat.postMessage": 4 + 4 + 1}},
		share{"each opens the form and turns its pages", map[string]int{"views.open": 4, "views.update": turned}},
		share{"each is told that all is saved, and sees it on the card, where the signature is asked for",
			map[string]int{"chat.postMessage": 4, "chat.update": 4}},
		share{"each signs and is answered; the card says so, and when it is over that nothing can be changed",
			map[string]int{"chat.postEphemeral": 4, "chat.update": 2 * 4}},
		share{"four cards say of each of the first three signatures, and that it is over",
			map[string]int{"chat.update": 4 * 4}},
		share{"the channel's post says that half have signed, and that it is over", map[string]int{"chat.update": 2}},
		share{"whose access ends is looked for in Slack", map[string]int{"users.lookupByEmail": 1}})
}

// decides goes through somebody's pages; of one person somebody is removed.
func (r *reader) decides(who string, removes bool) error {
	if err := r.click(who, "review.open"); err != nil {
		return err
	}
	v, err := r.shown(who, "")
	for err == nil {
		page, of, _ := pageOf(v)
		fields := pageFields(r.t, v, func(text string) (string, string, string) {
			if removes && plainUser.MatchString(text) {
				removes = false
				return "remove", "", "Has left"
			}
			return keepWithReason(text)
		})
		if page == of {
			_, err = r.slack.SubmitView(r.ctx, who, v.ID, fields)
			return err
		}
		v, err = r.act(who, v, "review.next", fields)
	}
	return err
}
