package transfer

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// mustHold checks, after every command of every test, what must hold always.
func (w *world) mustHold(st step) {
	w.T.Helper()
	if st.before.Closed() && (len(st.events) > 0 || len(st.calls) > 0) {
		w.T.Fatalf("%s: a transfer that is over went on: %s", st.cmd.Name, machinetest.Encode(w.T, st.events))
	}
	w.mustReadWell("the answer to "+st.cmd.Name, st.reply.Text)
	if st.err != nil {
		if st.code() == "" {
			w.T.Fatalf("%s: a fault instead of a refusal: %v", st.cmd.Name, st.err)
		}
		w.mustReadWell("the refusal of "+st.cmd.Name, strings.TrimPrefix(st.err.Error(), st.code()+": "))
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
		text := kinds.Tell(e)
		if strings.HasPrefix(text, "Something this version") || strings.HasPrefix(text, "An entry that") {
			w.T.Fatalf("event %s is not told: %s", e.Type, text)
		}
		w.mustReadWell("the story of "+e.Type, text)
	}
	w.mustFold(st.run)
	w.mustShow(st.run)
	w.mustMove(st.run)
	w.mustKeepAccounts()
	w.mustBeTrue(st)
	w.mustBeQuiet(st.run)
	if st.run.state.Stage == Inviting && st.before.Stage == Cooling && w.Now.Before(coolEnd(st.run)) {
		w.T.Fatalf("the invitation went out at %s although it could be stopped until %s", w.Now, coolEnd(st.run))
	}
}

// coolEnd is when the promise to be able to stop it ends: the last approval and the cool-down.
func coolEnd(r *run) (end time.Time) {
	for _, e := range r.events {
		if evApproved.Is(e) {
			end = e.At.Add(r.state.Policy.Cooldown)
		}
	}
	return end
}

// mustFold: the stored state is the fold of the events.
func (w *world) mustFold(r *run) {
	w.T.Helper()
	folded, err := workflows.Fold(Machine(), r.events)
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
			w.mustReadWell("card "+key+" in "+r.state.Stage, text)
		}
		w.mustPress(r, c)
	}
	for key := range r.shown {
		if !now[key] {
			w.T.Fatalf("card %s has vanished in stage %s", key, r.state.Stage)
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
		w.T.Fatalf("%d primary buttons on the card of %s in %s", primary, c.Recipient, r.state.Stage)
	}
	if r.state.Closed() && len(c.Buttons) > 0 {
		w.T.Fatalf("the card of %s has buttons although the transfer is over", c.Recipient)
	}
}

// mustDecide: who presses a button that is shown to them is not told that it is not for them.
func (w *world) mustDecide(r *run, c workflows.Card, b workflows.Button) {
	w.T.Helper()
	if w.People[c.Recipient].Standing != "" {
		return
	}
	cmd := workflows.Command{ID: "try", Workflow: r.id, Account: "acme", Name: b.Action, Round: c.Round,
		At:    r.events[len(r.events)-1].At,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: c.Recipient, Team: "TACME"}}
	_, err := Machine().Decide(r.state, cmd, w.Facts(Machine().Needs(r.state, cmd, w.Policy, w.Account)))
	var refusal *workflows.Refusal
	if !errors.As(err, &refusal) {
		return
	}
	voting := b.Action == ActConfirm || b.Action == ActComment || b.Action == ActRefuse || b.Action == ActLook
	switch refusal.Code {
	case "removed": // by the configuration, which no card hears of
		return
	// what changes without the transfer hearing of it
	case approvals.CodeNotAsked, approvals.CodeClosed, workflows.StandingDeactivated:
		if voting {
			return
		}
	}
	w.T.Fatalf("in %s %s is shown %s and told: %v", r.state.Stage, c.Recipient, b.Action, err)
}

// mustMove: whoever waits can go on. An open transfer has a timer, a call under way or somebody to
// wait for; timers lie in the stage's time.
func (w *world) mustMove(r *run) {
	w.T.Helper()
	flying := slices.ContainsFunc(w.queue, func(e *workflows.Effect) bool { return e.Workflow == r.id })
	if !r.state.Closed() && len(r.view.Timers) == 0 && !flying {
		w.T.Fatalf("nothing will ever end stage %s: %s", r.state.Stage, machinetest.Encode(w.T, r.state))
	}
	if r.state.Closed() && (len(r.view.Timers)+len(r.view.Watches)+len(r.view.Waiting)) > 0 {
		w.T.Fatalf("a transfer that is over still waits: %s", machinetest.Encode(w.T, r.view))
	}
	if (r.state.Reading || r.state.Ending != nil) && !r.state.Closed() && !flying {
		w.T.Fatalf("stage %s waits for an answer that nobody asked for: %s", r.state.Stage,
			machinetest.Encode(w.T, r.state))
	}
	names := map[string]bool{}
	for _, t := range r.view.Timers {
		if names[t.Name] {
			w.T.Fatalf("two timers %s", t.Name)
		}
		names[t.Name] = true
		if t.At.IsZero() || t.At.Before(r.state.Since) {
			w.T.Fatalf("timer %s at %s lies before the stage's beginning %s", t.Name, t.At, r.state.Since)
		}
	}
	for _, x := range r.view.Watches {
		if x.Every < 1 {
			w.T.Fatalf("watch %s has no distance", x.Name)
		}
	}
}

// mustKeepAccounts: one owner change a transfer, the lock only while it is needed.
func (w *world) mustKeepAccounts() {
	w.T.Helper()
	changes := map[string]int{}
	for _, c := range w.owners {
		changes[c.Workflow]++
		if changes[c.Workflow] > 1 {
			w.T.Fatalf("transfer %s changed the owner twice", c.Workflow)
		}
	}
	for _, r := range w.runs {
		holds, needs := w.Account.Locks[workflows.LockTransfer] == r.id, !r.state.Closed() && !r.state.changed()
		if holds != needs {
			w.T.Fatalf("transfer %s in stage %s: holds the lock %v, needs it %v", r.id, r.state.Stage, holds, needs)
		}
	}
}

// mustBeTrue: what counts as seen is so at integrator.io, and what counts as attested rests on two people.
func (w *world) mustBeTrue(st step) {
	w.T.Helper()
	s := st.after
	if !s.changed() || st.before.changed() {
		return
	}
	if s.Settle.How == workflows.Verified && w.out.owner != s.To {
		w.T.Fatalf("the change of owner counts as seen, but %s owns the account", w.out.owner)
	}
	if s.Settle.How == workflows.Attested && s.Settle.Attested == st.before.Invite.Attested {
		w.T.Fatalf("%s attested both the invitation and the acceptance", s.Settle.Attested)
	}
}

// mustBeQuiet: at most two reminders in a stage, and never two at once.
func (w *world) mustBeQuiet(r *run) {
	w.T.Helper()
	n, most := 0, maxReminders
	for i, rem := range r.state.Reminders {
		if i > 0 && !rem.At.After(r.state.Reminders[i-1].At) {
			w.T.Fatalf("two reminders at %s", rem.At)
		}
		if rem.Stage == r.state.Stage && rem.At.After(r.state.Since) {
			n++
		}
		if len(rem.To) == 0 {
			w.T.Fatalf("reminder %d is for nobody", rem.N)
		}
	}
	if r.state.Stage == Finishing { // what is open has no end: one a week
		most = int(w.Now.Sub(r.state.Since) / remindOpenEvery)
	}
	if n > most {
		w.T.Fatalf("%d reminders in stage %s", n, r.state.Stage)
	}
}

// badWords are what voice.md forbids and what a text shows when its parts do not fit together.
var badWords = regexp.MustCompile(
	`(?i)\b(workflow|entity|successfully|please note|oops|sorry)\b|[^\n]! |!$|\w!|—|  |\.\.|\. \.|,,| ,| \.|\(\)|: \.|<nil>|%!|\bof \.|\b(by|of|from|to|as) (,|;|\.|and )|\b1 (people|confirmations|errors|jobs|points|users|days|hours|minutes|seconds|confirmation are)\b|^ | $|undefined|-\d+ (second|minute|hour|day)|\bhas no access any more, which`)

// readWell remembers texts that were read: most cards hold the same ones. No test of this package runs in parallel.
var readWell = map[string]bool{}

func (w *world) mustReadWell(what, text string) {
	w.T.Helper()
	if text == "" || readWell[text] {
		return
	}
	shown := w.read(text)
	if i := strings.Index(shown, "```"); i >= 0 { // a ticket is for Celigo, and no prose
		shown = shown[:i]
	}
	for _, line := range strings.Split(shown, "\n") {
		rest := strings.TrimPrefix(line, "! ")
		if bad := badWords.FindString(rest); bad != "" {
			w.T.Fatalf("%s reads badly at %q:\n%s", what, bad, shown)
		}
	}
	if strings.Contains(shown, "UANA") || strings.Contains(shown, "<@") {
		w.T.Fatalf("%s shows an ID instead of a name:\n%s", what, shown)
	}
	readWell[text] = true
}
