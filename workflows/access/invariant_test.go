package access

import (
	"bytes"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/drift"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// mustHold checks, after every command of every test, what must hold always.
func (w *world) mustHold(st step) {
	w.T.Helper()
	if st.before.Closed() && (len(st.events) > 0 || len(st.calls) > 0) {
		w.T.Fatalf("%s: what is over went on: %s", st.cmd.Name, machinetest.Encode(w.T, st.events))
	}
	w.mustReadWell("the answer to "+st.cmd.Name, st.reply.Text)
	if st.err != nil {
		if st.code() == "" {
			w.T.Fatalf("%s: a fault instead of a refusal: %v", st.cmd.Name, st.err)
		}
		w.mustReadWell("the refusal of "+st.cmd.Name, st.refusal().Text)
	}
	if m := st.reply.Modal; m != nil {
		w.mustReadWell("the form", strings.Join(m.Intro, "\n"))
		if len([]rune(m.Title)) > 24 || len([]rune(m.Submit)) > 24 || m.Title == "" || m.Submit == "" {
			w.T.Fatalf("the form's title %q or submit %q does not fit", m.Title, m.Submit)
		}
	}
	if len(st.events) == 0 {
		return
	}
	for _, e := range st.events {
		text := st.run.machine.Tell(e)
		if strings.HasPrefix(text, "Something this version") || strings.HasPrefix(text, "An entry that") {
			w.T.Fatalf("event %s is not told: %s", e.Type, text)
		}
		w.mustReadWell("the story of "+e.Type, text)
	}
	w.mustReadWell("the title", workflows.Esc(st.after.Title()))
	w.mustBeAnothers(st)
	w.mustFold(st.run)
	w.mustShow(st.run)
	w.mustMove(st.run)
	w.mustLock()
	w.mustVoteFairly(st.run)
}

// mustBeAnothers: nobody answers, swears or takes as expected what is about an access of theirs, by whatever address.
func (w *world) mustBeAnothers(st step) {
	w.T.Helper()
	if !slices.Contains([]string{ActApprove, ActRefuse, ActAttest, ActAdopt}, st.cmd.Name) {
		return
	}
	var about []string
	switch s := st.before.(type) {
	case State:
		about = []string{s.Email}
	case drift.FoundState:
		about = []string{s.Email}
	case drift.WatchState:
		about = slices.Collect(maps.Keys(s.Waiting))
	}
	p := w.People[st.cmd.Actor.ID]
	for _, email := range about {
		if approvals.SameAddress(email, p.Email) || approvals.SameAddress(email, p.Unconfirmed) {
			w.T.Fatalf("%s by %s, whose own access it is: %s", st.cmd.Name, p.Name, email)
		}
	}
}

// mustFold: the stored state is the fold of the events.
func (w *world) mustFold(r *run) {
	w.T.Helper()
	folded, err := workflows.Fold(r.machine, r.events)
	if err != nil {
		w.T.Fatalf("fold: %v", err)
	}
	if a, b := machinetest.Encode(w.T, folded), machinetest.Encode(w.T, r.state); !bytes.Equal(a, b) {
		w.T.Fatalf("the state is not the fold of its events:\n%s\n%s", b, a)
	}
}

// mustShow: cards stay, have their texts, at most one primary button, and none once it is over.
func (w *world) mustShow(r *run) {
	w.T.Helper()
	now := map[string]bool{}
	for _, c := range r.view.Cards {
		key := c.Name + "/" + c.Recipient
		if now[key] {
			w.T.Fatalf("two cards %s", key)
		}
		now[key], r.shown[key] = true, true
		if c.Title == "" || c.Fallback == "" {
			w.T.Fatalf("card %s has no title or no notification line", key)
		}
		if strings.ContainsAny(c.Fallback, "<>*") {
			w.T.Fatalf("the notification line of %s is not plain: %q", key, c.Fallback)
		}
		for _, text := range slices.Concat([]string{c.Title, c.Fallback, c.Note}, c.Lines, c.Facts, c.Details) {
			w.mustReadWell("card "+key+" in "+r.state.StageName(), text)
		}
		w.mustPress(r, c)
	}
	for key := range r.shown {
		if !now[key] {
			w.T.Fatalf("card %s has vanished in stage %s", key, r.state.StageName())
		}
	}
}

func (w *world) mustPress(r *run, c workflows.Card) {
	w.T.Helper()
	primary := 0
	seen := map[string]bool{}
	for _, b := range c.Buttons {
		if seen[b.Action] {
			w.T.Fatalf("button %s twice on the card of %s", b.Action, c.Recipient)
		}
		seen[b.Action] = true
		if b.Label == "" || len([]rune(b.Label)) > 75 {
			w.T.Fatalf("button %s has no fitting label", b.Action)
		}
		if b.Style == workflows.Primary {
			primary++
		}
		w.mustDecide(r, c, b)
		if b.Confirm != nil {
			w.mustReadWell("what "+b.Action+" asks", b.Confirm.Title+" "+b.Confirm.Text)
		}
	}
	if primary > 1 {
		w.T.Fatalf("%d primary buttons on the card of %s in %s", primary, c.Recipient, r.state.StageName())
	}
	if r.state.Closed() && len(c.Buttons) > 0 {
		w.T.Fatalf("the card of %s has buttons although it is over", c.Recipient)
	}
}

// mustDecide: who presses a button that is shown to them is not told that it is not for them, nor
// that it is the wrong time.
func (w *world) mustDecide(r *run, c workflows.Card, b workflows.Button) {
	w.T.Helper()
	if w.People[c.Recipient].Standing != "" {
		return
	}
	cmd := workflows.Command{ID: "try", Workflow: r.id, Account: "acme", Name: b.Action, Round: c.Round,
		At:    r.events[len(r.events)-1].At,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: c.Recipient, Team: "TACME"}}
	_, err := r.machine.Decide(r.state, cmd, w.Facts(r.machine.Needs(r.state, cmd, w.Policy, w.Account)))
	var refusal *workflows.Refusal
	if !errors.As(err, &refusal) {
		return
	}
	switch refusal.Code {
	// what changes without the request hearing of it
	case "removed", approvals.CodeNotAsked, approvals.CodeClosed, workflows.StandingDeactivated, "dead_end", "has_left":
		return
	case approvals.CodeBarred, "own_access":
		if w.renamed {
			return
		}
	case "access_open", "not_here": // an undo says what stands in its way
		if b.Action == ActUndo {
			return
		}
	}
	w.T.Fatalf("in %s %s is shown %s and told: %v", r.state.StageName(), c.Recipient, b.Action, err)
}

// mustMove: an open workflow has a timer, a call under way, a watch, or somebody to wait for.
func (w *world) mustMove(r *run) {
	w.T.Helper()
	flying := slices.ContainsFunc(w.queue, func(e *workflows.Effect) bool { return e.Workflow == r.id })
	switch {
	case !r.state.Closed() && len(r.view.Timers) == 0 && !flying && len(r.view.Waiting) == 0 &&
		len(r.view.Watches) == 0:
		w.T.Fatalf("nothing will ever end stage %s: %s", r.state.StageName(), machinetest.Encode(w.T, r.state))
	case r.state.Closed() && (len(r.view.Timers)+len(r.view.Watches)+len(r.view.Waiting)) > 0:
		w.T.Fatalf("what is over still waits: %s", machinetest.Encode(w.T, r.view))
	case r.access().Call.InFlight && !flying:
		w.T.Fatalf("stage %s waits for an answer that nobody asked for: %s", r.state.StageName(),
			machinetest.Encode(w.T, r.state))
	}
	names := map[string]bool{}
	for _, t := range r.view.Timers {
		if names[t.Name] || t.At.IsZero() {
			w.T.Fatalf("timer %s twice, or without a time", t.Name)
		}
		names[t.Name] = true
	}
	for _, x := range r.view.Watches {
		if x.Every < 1 {
			w.T.Fatalf("watch %s has no distance", x.Name)
		}
	}
}

// mustLock: whoever changes an access holds its lock, and nobody else does.
func (w *world) mustLock() {
	w.T.Helper()
	for _, r := range w.runs {
		s, ok := r.state.(State)
		if !ok {
			continue
		}
		if holds, needs := w.Account.Locks[s.lock()] == r.id, !s.Closed() && s.in().holds(s); holds != needs {
			w.T.Fatalf("%s in stage %s: holds the lock %v, needs it %v", r.id, s.Stage, holds, needs)
		}
	}
}

// mustBeMeant: what a review decided touches nothing but what the reviewer saw, unless a person
// said to do it all the same.
func (w *world) mustBeMeant(r *run, c workflows.Call, was *workflows.User) {
	w.T.Helper()
	s := r.access()
	if s.Review == nil || was.Mark() == w.out.user(c.Environment, c.Email).Mark() || s.sawThis(was) {
		return
	}
	if !slices.ContainsFunc(r.events, func(e workflows.Event) bool {
		return e.Type == evDoing.Type && e.By.Kind == workflows.ByPerson
	}) {
		w.T.Fatalf("%s changed %s although the reviewer saw %s", c.Op, was.Mark(), s.Review.Was)
	}
}

// mustVoteFairly: neither who asked nor whose access it is has a vote.
func (w *world) mustVoteFairly(r *run) {
	w.T.Helper()
	s := r.access()
	if s.Review != nil && (s.asking() != nil || len(s.Question.Asked)+len(s.Question.Ballot.Votes) > 0) {
		w.T.Fatalf("what a review decided is voted on: %s", machinetest.Encode(w.T, s))
	}
	votes := append(slices.Clone(s.Question.Ballot.Votes), s.Box.Past...)
	if s.Box.Asks {
		votes = append(votes, s.Box.More.Ballot.Votes...)
	}
	for _, v := range votes {
		if v.By == s.Requester || s.Person != "" && v.By == s.Person {
			w.T.Fatalf("%s voted on their own request or access", v.By)
		}
	}
}

// badWords are what the house's voice forbids and what a text shows when its parts do not fit together.
var badWords = regexp.MustCompile(
	`(?i)\b(workflow|entity|successfully|please note|oops|sorry)\b|[^\n>]! |!$|\w!|—|  |\.\.|\. \.|,,| ,| \.|\(\)|: \.|<nil>|%!|\bof \.|\b(by|of|from|to|as|and) (,|;|\.|and )|\b1 (people|approvals|users|days|hours|minutes|seconds)\b|^ | $|undefined|-\d+ (second|minute|hour|day)|^[.,;:]`)

// readWell holds the texts that were looked at already; most cards say the same in every story.
var readWell sync.Map

func (w *world) mustReadWell(what, text string) {
	w.T.Helper()
	if _, done := readWell.LoadOrStore(text, true); text == "" || done {
		return
	}
	shown := w.read(text)
	for _, line := range strings.Split(shown, "\n") {
		if bad := badWords.FindString(strings.TrimPrefix(line, "! ")); bad != "" {
			w.T.Fatalf("%s reads badly at %q:\n%s", what, bad, shown)
		}
	}
	if strings.Contains(shown, "UANA") || strings.Contains(shown, "<@") {
		w.T.Fatalf("%s shows an ID instead of a name:\n%s", what, shown)
	}
}
