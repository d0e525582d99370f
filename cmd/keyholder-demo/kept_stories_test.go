package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows/authenticator"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// keep writes testdata/kept: go test ./cmd/keyholder-demo -run TestKeepStories -args -keep=add
// A story of which anything is kept already is left alone, for ever. Until the first release -keep=anew begins with an
// empty folder; who makes that release takes it out here.
var keep = flag.String("keep", "",
	"add: tell the stories that testdata/kept lacks; anew (before the first release): all of them")

// keptStory is something that happens in the demo, told with the real bot, Slack and integrator.io. shot keeps what
// Redis holds at that point, while the bot is stopped.
type keptStory struct {
	name string
	edit func(yaml string) string
	tell func(s *stage, shot func(name string))
	// proofs: votes want a proof, by one-time codes, or at the provider.
	codes, provider bool
}

func asItIs(yaml string) string { return yaml }

// stories in the order in which they were added; a new one comes last.
var stories = []keptStory{
	{name: "transfer", edit: asItIs, tell: keepTransfer},
	{name: "transfer-refused", edit: asItIs, tell: keepRefused},
	{name: "access", edit: asItIs, tell: keepAccess},
	{name: "drift", edit: asItIs, tell: keepDrift},
	{name: "review", edit: asItIs, tell: keepReview},
	{name: "recovery", edit: asItIs, tell: keepRecovery},
	{name: "use", edit: watchful, tell: keepUse},
	{name: "drill", edit: withoutMail, tell: keepDrill},
	{name: "docs", edit: asItIs, tell: keepDocs},
	{name: "codes", edit: asItIs, tell: keepCodes, codes: true},
	{name: "proof", edit: asItIs, tell: keepProof, provider: true},
}

func TestKeepStories(t *testing.T) {
	switch *keep {
	case "add":
	case "anew":
		old, err := filepath.Glob(filepath.Join(keptFolder, "*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(old, keptSums) {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	default:
		t.Skip("this adds to testdata/kept, and only when asked: go test ./cmd/keyholder-demo -run TestKeepStories -args -keep=add")
	}
	for _, story := range stories {
		there, err := filepath.Glob(filepath.Join(keptFolder, story.name+"-[0-9]*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if len(there) > 0 {
			continue
		}
		t.Run(story.name, func(t *testing.T) {
			o := options{edit: story.edit, codes: story.codes}
			if story.provider {
				o.identityListen = "127.0.0.1:0"
			}
			s := prepare(t, o)
			stop := s.bot(t)
			n := 0
			story.tell(s, func(shot string) {
				time.Sleep(500 * time.Millisecond) // cards of the last step
				stop()
				s.until("the bot to be gone", func() bool { return s.slack.Connections() == 0 })
				n++
				s.keep(fmt.Sprintf("%s-%02d-%s", story.name, n, shot), keptHead{Story: story.name, Shot: shot,
					Sealed: story.codes, Taken: s.clock.Now().UTC().Truncate(time.Millisecond)})
				stop = s.bot(t)
			})
		})
	}
}

// keep writes one file and its sum.
func (s *stage) keep(name string, head keptHead) {
	s.t.Helper()
	o, err := redis.ParseURL(s.redisURL())
	if err != nil {
		s.t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	first, err := json.Marshal(head)
	if err != nil {
		s.t.Fatal(err)
	}
	text := append(append(first, '\n'), keptLines(s.t, c)...)
	name += ".jsonl"
	if err := os.WriteFile(filepath.Join(keptFolder, name), text, 0o644); err != nil {
		s.t.Fatal(err)
	}
	sums, err := os.OpenFile(keptSums, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	defer sums.Close()
	if _, err := fmt.Fprintf(sums, "%x  %s\n", sha256.Sum256(text), name); err != nil {
		s.t.Fatal(err)
	}
}

func keepTransfer(s *stage, shot func(string)) {
	s.request(dee, toAlias())
	s.until("the mailbox to be prepared", func() bool { return s.has(ana, "transfer.claim") })
	shot("preparing")
	s.press(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.until("the question", func() bool { return s.has(ben, "transfer.confirm") })
	shot("confirming")
	if got := s.slash(cat, "delegate <@"+oli+">"); got == "" {
		s.t.Fatal("nothing is said of a delegation")
	}
	s.press(ana, "transfer.confirm")
	s.says(ben, "1 of 2")
	shot("one-vote")
	s.press(ben, "transfer.confirm")
	s.until("the cool-down", func() bool { return s.has(ben, "transfer.cancel") && !s.has(ben, "transfer.confirm") })
	shot("cooling")
	s.forward(time.Minute)
	s.until("the invitation", func() bool { return s.pending() == 1 })
	shot("inviting")
	s.press(ben, "transfer.accept")
	shot("accepting")
	s.acceptOwnership(aliasEmail)
	s.until("the handover", func() bool { return s.has(ben, "transfer.settle") })
	shot("settling")
	s.press(ben, "transfer.settle")
	s.fill(ben, map[string]map[string]any{"checklist": {"checklist": []string{"custodians", "help", "mfa", "token"}}})
	s.says(ben, "1 point of the handover open")
	shot("one-point-open")
	s.press(ana, "transfer.settle")
	s.fill(ana, map[string]map[string]any{"checklist": {"checklist": []string{"docs"}}})
	s.until("no button any more", func() bool {
		return !s.has(ana, "transfer.settle") && !s.has(ben, "transfer.settle")
	})
	shot("completed")
}

func keepRefused(s *stage, shot func(string)) {
	s.request(dee, toAlias())
	s.press(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.press(ben, "transfer.refuse")
	s.fill(ben, map[string]map[string]any{"reason": {"reason": "Jane stays until March"}})
	s.until("the end", func() bool { return !s.has(ana, "transfer.confirm") && !s.has(ana, "transfer.claim") })
	shot("refused")
}

func keepAccess(s *stage, shot func(string)) {
	s.askAccess(dee, map[string]map[string]any{
		"person": field("person", oli), "role": field("role", "monitor"), "for": field("for", "1d"),
		"reason": field("reason", "Covers for Ana this week")})
	s.until("the question", func() bool { return s.has(ana, "access.approve") })
	shot("asked")
	s.press(ana, "access.approve")
	s.shows(oli, "has to accept by")
	shot("invited")
	s.act(integratorsim.Action{Do: "sign_up", Email: "oli@acme.example", Name: "Oli Brandt"})
	s.shows(oli, "has access to Acme Production for a time")
	shot("running")
	s.askAccess(dee, map[string]map[string]any{
		"person": field("person", ben), "change": field("change", "change"), "role": field("role", "manage"),
		"urgent": field("urgent", []string{"urgent"}),
		"reason": field("reason", "Orders stand still")})
	s.until("the change without any approval", func() bool {
		u, _ := s.user("ben@acme.example")
		return u.Role == "manage"
	})
	s.shows(cat, "has access to Acme Production for a time")
	shot("urgent")
	s.forward(26 * time.Hour)
	s.shows(oli, "It has ended")
	shot("ended")
}

func keepDrift(s *stage, shot func(string)) {
	s.watching()
	s.act(integratorsim.Action{Do: "add_user", Email: "eve@contractor.example", Name: "Eve", Role: "manage",
		Status: "accepted"})
	s.slash(dee, "who acme")
	s.found(dee, "eve@contractor.example has access to Acme Production")
	shot("found")
	s.press(dee, "access.undo")
	s.until("the question", func() bool { return s.has(ana, "access.approve") })
	shot("undo-asked")
	s.press(ana, "access.approve")
	s.until("the removal", func() bool { _, ok := s.user("eve@contractor.example"); return !ok })
	s.shows(ana, "was removed")
	shot("undone")
	s.act(integratorsim.Action{Do: "change_role", Email: "ben@acme.example", Role: "administrator"})
	s.slash(dee, "who acme")
	s.until("a second finding", func() bool { return s.has(dee, "finding.expect") || s.has(dee, "access.adopt") })
	shot("found-again")
}

func keepReview(s *stage, shot func(string)) {
	id := s.startReview()
	shot("asked")
	s.decideAll(dee, keepWithReason)
	shot("decided")
	s.press(dee, "review.sign")
	s.until("the signature", func() bool {
		return strings.Contains(s.newest(dee), "Signed off") ||
			!s.has(dee, "review.sign")
	})
	shot("signed")
	gone := ""
	s.decideAll(ana, func(text string) (string, string, string) {
		if gone == "" && strings.Contains(text, "monitor") && strings.Contains(text, "@") && !strings.Contains(text,
			"celigo@") {
			gone = text
			return "remove", "", "Has left"
		}
		return keepWithReason(text)
	})
	s.press(ana, "review.sign")
	s.until("the end", func() bool { return s.stageOf(id) == "completed" })
	shot("completed")
}

func keepRecovery(s *stage, shot func(string)) {
	s.report(oli, "mailbox")
	s.until("the question", func() bool { return s.has(ben, "recovery.look") })
	shot("asked")
	s.press(ben, "recovery.look")
	s.until("who looks at it", func() bool { return strings.Contains(s.card(ana), "is looking at it") })
	s.press(ben, "recovery.comment")
	s.send(ben, map[string]map[string]any{"reason": field("reason", "I called them, it is true")})
	s.says(cat, "I called them, it is true")
	shot("commented")
	s.press(ana, "recovery.approve")
	s.says(cat, "Approved. Until")
	shot("cooling")
	s.forward(time.Hour + time.Minute)
	s.press(dee, "recovery.claim")
	s.says(dee, "Please reactivate the mailbox")
	shot("claimed")
	s.rungDone(dee)
	shot("said-done")
	s.secured(cat, "password", "second_factor")
	shot("regained")
}

func keepUse(s *stage, shot func(string)) {
	s.watches()
	s.takeKey(ana)
	s.says(ben, "May the key of Acme Production be taken out?")
	shot("asked")
	s.press(ben, "key.approve")
	s.says(ana, "The key of Acme Production is out")
	shot("out")
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.says(dee, "seen in integrator.io")
	s.press(ana, "key.back")
	s.fill(ana, map[string]map[string]any{"done": field("done", "New certificate"), "rotated": field("rotated", "yes")})
	s.until("what is asked then", func() bool { return s.has(cat, "key.planned") })
	shot("back")
	s.press(cat, "key.planned")
	s.says(dee, "planned")
	shot("explained")
	s.forward(3 * time.Hour)
	s.act(integratorsim.Action{Do: "sign_in", Email: ownerEmail})
	s.until("the question about a sign-in", func() bool { return s.has(ana, "key.mine") })
	shot("sign-in-asked")
}

func keepDrill(s *stage, shot func(string)) {
	s.slash(dee, "key acme drill")
	s.says(ben, "Can you read "+aliasEmail)
	shot("open")
	s.press(ben, "drill.attest")
	s.says(ana, "mailbox 1 of 3")
	shot("one-shown")
	s.press(ana, "drill.attest")
	s.says(ben, "Your turn")
	s.press(ben, "drill.attest")
	s.press(cat, "drill.cannot")
	s.says(dee, "can be used by two people or more")
	shot("ended")
}

func keepDocs(s *stage, shot func(string)) {
	s.slash(dee, "docs publish")
	s.pageSays("**Owner:** jane@acme.example")
	shot("published")
	s.slash(dee, "docs unpublish")
	s.pageSays("No longer kept up to date")
	shot("unpublished")
}

// keepCodes tells of three authenticator apps: one decides and is about to be reset, another one is locked.
func keepCodes(s *stage, shot func(string)) {
	s.accepted()
	anas, dees := s.setsUp(ana), s.setsUp(dee)
	s.setsUp(cat)
	shot("waiting")
	s.forward(authenticator.CountsAfter + time.Minute)
	for _, who := range []string{ana, dee, cat} {
		s.counts(who)
	}
	shot("counting")
	types := func(who, code string) {
		if res := s.types(who, code); len(res.Errors) > 0 {
			s.t.Fatalf("%s: %+v", who, res)
		}
	}
	s.request(dee, toAlias())
	s.press(ana, "transfer.confirm")
	types(ana, anas.shows(s.t, 0))
	s.says(cat, "<@U0ANA> confirmed (")
	shot("one-proven-vote")
	s.press(cat, "transfer.confirm")
	form := s.openForm(cat).ID
	for range authenticator.MaxWrong {
		s.typesInto(cat, form, "000000")
	}
	s.reads(dee, "was locked")
	if err := s.slack.CloseView(s.ctx, cat, form); err != nil {
		s.t.Fatal(err)
	}
	shot("locked")
	s.slash(dee, "step-up reset <@"+ana+"> new phone")
	types(dee, dees.shows(s.t, 0))
	s.hears(dee, "It takes one more administrator")
	shot("reset-asked")
}

// keepProof tells of a vote that was proven at the identity provider.
func keepProof(s *stage, shot func(string)) {
	s.accepted()
	s.request(dee, toAlias())
	s.proves(ana, "transfer.confirm", "ana@acme.example")
	s.says(cat, "<@U0ANA> confirmed (")
	shot("one-proven-vote")
}
