package offboard

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
)

// begin begins a step: for whoever holds or administers, done by one person's word where a word decides at all.
func (s State) begin(cmd workflows.Command, name string) workflows.Event {
	people := s.managers()
	if len(people) == 0 {
		people = s.movers()
	}
	return steps.Begin(cmd, step.Step{Name: name, People: workflows.Union(people, []string{s.Requester}), Alone: true})
}

// received decides what integrator.io, or the desk, answered.
func (s State) received(cmd workflows.Command) (workflows.Decision, error) {
	r := cmd.Receipt
	code := r.Code
	if !r.OK && code == "" {
		code = workflows.RefusedOther
	}
	var d workflows.Decision
	switch {
	case r.Op == workflows.OpUndelegate:
		if !slices.Contains(s.Ending, r.Code) {
			return d, nil
		}
		d = evUndelegated.One(cmd, ending{From: []string{r.Code}})
	case r.Op == workflows.OpCensus && r.OK && r.Census != nil:
		d = evListed.One(cmd, listed{Env: r.Environment, Users: s.theirs(r.Census)})
	case r.Op == workflows.OpCensus:
		d = evListed.One(cmd, listed{Env: r.Environment, Code: code})
	case r.Op == workflows.OpTokens && r.OK && r.Tokens != nil:
		b := tokensListed{Env: r.Environment}
		for _, t := range r.Tokens.Tokens {
			if !t.Revoked {
				b.Tokens = append(b.Tokens, Token{t.Name, t.Kind, t.Full})
			}
		}
		d = evTokens.One(cmd, b)
	case r.Op == workflows.OpTokens:
		d = evTokens.One(cmd, tokensListed{Env: r.Environment, Code: code})
	default:
		return d, nil
	}
	if s.Stage == Reading {
		return planned(s, d, cmd)
	}
	return s.answered(cmd, d)
}

// theirs are the accesses of the person in a list of users.
func (s State) theirs(c *workflows.Census) []User {
	var out []User
	for _, u := range c.Users {
		if s.Known.Same(approvals.Identity{}.With(u.Email)) {
			out = append(out, User{Email: u.Email, Role: u.Role})
		}
	}
	return out
}

// planned turns what rests on the person into steps once all lists are in; where nothing does, it ends.
func planned(s State, d workflows.Decision, cmd workflows.Command) (workflows.Decision, error) {
	next, err := kinds.Apply(s, d.Events...)
	if err != nil || next.pending() {
		return d, err
	}
	begin := []string{}
	add := func(kind, name string, rests bool) {
		if rests && next.wants(kind) {
			begin = append(begin, name)
		}
	}
	tokens := false
	for i, e := range next.Envs {
		add(Access, e.step(), !e.read() || len(e.Users) > 0 || i == 0 && next.Owns != "")
		tokens = tokens || !e.Token || e.TokensCode != "" || len(e.Tokens) > 0
	}
	add(Transfer, Transfer, next.Owns != "")
	add(Key, Key, len(next.Keeps) > 0)
	add(Rules, Rules, len(next.Named) > 0)
	if len(begin) > 0 { // tokens have no names of people: without anything else of theirs, there is nobody who made one
		add(Tokens, Tokens, tokens)
	}
	if len(begin) == 0 {
		over := next.end(cmd, evDone, Ended{})
		d.Events, d.Account = append(d.Events, over.Events...), append(d.Account, over.Account...)
		return d, nil
	}
	d.Events = append(d.Events, evPlanned.Of(cmd, workflows.None{}))
	for _, name := range begin {
		d.Events = append(d.Events, next.begin(cmd, name))
	}
	return d, nil
}

// answered decides what follows from a list of the last day: a request for each access that is
// there, and that the step is done where none is.
func (s State) answered(cmd workflows.Command, d workflows.Decision) (workflows.Decision, error) {
	next, err := kinds.Apply(s, d.Events...)
	if err != nil {
		return d, err
	}
	if r := cmd.Receipt; r.Op == workflows.OpCensus && !next.Came.IsZero() {
		env := next.env(r.Environment)
		if env == nil {
			return d, nil
		}
		if more := next.asks(cmd, *env); len(more.Events) > 0 {
			d.Events, d.Calls = append(d.Events, more.Events...), append(d.Calls, more.Calls...)
		}
	}
	return s.finish(cmd, d)
}

// asks asks for the removal of every access of an environment that was not asked for yet. Where the
// users cannot be read, the confirmed address of the person is taken to have access.
func (s State) asks(cmd workflows.Command, env Env) workflows.Decision {
	var d workflows.Decision
	users := env.Users
	if !env.read() && len(users) == 0 && s.Email != "" {
		users = []User{{Email: s.Email}}
	}
	for _, u := range users {
		if u.Request != "" || !u.Gone.IsZero() || owns(approvals.Identity{}.With(u.Email), s.Owns) && s.owning() {
			continue
		}
		if s.step(env.step()) == nil {
			d.Events = append(d.Events, s.begin(cmd, env.step()))
		}
		id := workflows.NewID(workflows.LetterAccess, s.AccountID, s.Shards, s.ID, env.title(), u.Email, cmd.ID)
		ask := workflows.UndoAccess.To(s.AccountID, id, workflows.AccessUndo{
			Environment: env.Name, Email: u.Email, Change: workflows.ChangeRemove, Requester: s.Requester,
			Reason: s.PersonName + " leaves (" + s.ID + "): " + s.Reason,
		})
		d.Events = append(d.Events, evAsked.Of(cmd, of{Env: env.Name, Email: u.Email, Request: id}))
		d.Calls = append(d.Calls, ask)
	}
	return d
}

// owning reports whether the account still has to be handed on.
func (s State) owning() bool {
	st := s.step(Transfer)
	return s.Owns != "" && (st == nil || !st.Ok())
}

// fired decides a timer.
func (s State) fired(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case cmd.Timer.Name == timerDay && s.Stage == Working && s.Came.IsZero() && !cmd.At.Before(s.Day.At):
		return s.day(cmd, f)
	case cmd.Timer.Name == timerRemind && s.Stage == Working:
		return evReminded.One(cmd, step.Notice{To: s.waiting(), At: cmd.At}), nil
	}
	return workflows.Decision{}, nil
}

// day begins the last day: lists are read again, delegations end.
func (s State) day(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var b ending
	var calls []workflows.Call
	if s.wants(Delegations) {
		for _, g := range f.Delegations {
			if !g.ActiveAt(cmd.At) || g.From != s.Person && g.To != s.Person {
				continue
			}
			b.From = append(b.From, g.From)
			calls = append(calls, workflows.Call{Op: workflows.OpUndelegate, Account: s.AccountID, ID: g.From,
				Known: g.To})
		}
	}
	if s.wants(Access) {
		for _, e := range s.Envs {
			if e.Token {
				calls = append(calls, census(s.AccountID, e.Name, cmd.At))
			}
		}
	}
	d := evDay.One(cmd, b)
	d.Calls = calls
	if len(b.From) > 0 {
		d.Events = append(d.Events, s.begin(cmd, Delegations))
	}
	if s.wants(Access) {
		next, err := kinds.Apply(s, d.Events...)
		if err != nil {
			return d, err
		}
		for _, e := range next.Envs {
			if !e.Token {
				more := next.asks(cmd, e)
				d.Events, d.Calls = append(d.Events, more.Events...), append(d.Calls, more.Calls...)
			}
		}
	}
	return s.finish(cmd, d)
}

// look sees what is done by now: in the account's record, and in the configuration that runs.
func (s State) look(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var d workflows.Decision
	see := func(name, text string) {
		if st := s.step(name); st != nil && !st.Ok() {
			d.Events = append(d.Events, evFulfilled.Of(cmd, fulfilled{name, text}))
		}
	}
	if f.Policy.Name == "" { // no longer configured: people say what is done, or settle
		return d, nil
	}
	if st := s.step(Transfer); st != nil && !st.Ok() && !owns(s.Known, f.Account.Owner) {
		see(Transfer, f.Account.Owner+" owns the account")
		if env := s.env(""); !s.Came.IsZero() && s.wants(Access) && env.Token { // whoever owned it has a role by now
			d.Events = append(d.Events, evReread.Of(cmd, listed{}))
			d.Calls = append(d.Calls, census(s.AccountID, "", cmd.At))
		}
	}
	if drill := f.Account.Key.Drill; drill != nil && drill.Ended.After(s.Begun) && drill.Outcome != "cancelled" {
		see(Key, "the drill "+drill.Workflow+" ended: "+drill.Outcome)
	}
	if _, all := named(f, s.Person); len(all) == 0 {
		see(Rules, "the configuration that runs no longer names them")
	}
	for _, env := range s.Envs {
		for _, u := range env.Users {
			if e, seen := s.became(cmd, f, env, u); seen {
				d.Events = append(d.Events, e)
			}
		}
	}
	if len(d.Events) == 0 {
		return d, nil
	}
	return s.finish(cmd, d)
}

// became is what became of an access whose removal was asked for, where that is new.
func (s State) became(cmd workflows.Command, f workflows.Facts, env Env, u User) (workflows.Event, bool) {
	if u.Request == "" || !u.Gone.IsZero() {
		return workflows.Event{}, false
	}
	b := of{Env: env.Name, Email: u.Email, Request: u.Request}
	running := slices.Contains(slices.Collect(maps.Values(f.Account.Locks)), u.Request)
	for _, g := range f.Account.Given { // under their address, or the one that they had once
		if !running && g.Workflow == u.Request && g.Mark == "" {
			return evGone.Of(cmd, b), true
		}
	}
	if !running && !u.Ended && cmd.At.Sub(u.Asked) >= requestWithin {
		return evNotGone.Of(cmd, b), true
	}
	return workflows.Event{}, false
}

// finish adds what follows from a decision: steps that are done by it, and the end where all are.
func (s State) finish(cmd workflows.Command, d workflows.Decision) (workflows.Decision, error) {
	next, err := kinds.Apply(s, d.Events...)
	if err != nil {
		return d, err
	}
	see := func(name, text string) {
		if st := next.step(name); st != nil && !st.Ok() {
			d.Events = append(d.Events, evFulfilled.Of(cmd, fulfilled{name, text}))
		}
	}
	if !next.Came.IsZero() {
		for i, e := range next.Envs {
			if waits := i == 0 && next.owning() && next.wants(Transfer); e.Pending == 0 && !waits && next.empty(e) {
				see(e.step(), "they have no access to "+e.title()+" any more")
			}
		}
		if len(next.Ending) == 0 {
			see(Delegations, "no delegation to or from them is left")
		}
	}
	if next, err = kinds.Apply(s, d.Events...); err != nil {
		return d, err
	}
	if len(next.left()) == 0 && !next.Came.IsZero() && !next.pending() {
		over := s.end(cmd, evDone, Ended{})
		d.Events, d.Account = append(d.Events, over.Events...), append(d.Account, over.Account...)
	}
	return d, nil
}

// empty reports whether nothing is left of the person in an environment, as far as it can be known.
func (s State) empty(e Env) bool {
	if !e.read() && len(e.Users) == 0 {
		return false
	}
	return !slices.ContainsFunc(e.Users, func(u User) bool { return u.Gone.IsZero() })
}

// timers says what the state waits for by the clock.
func (s State) timers() []workflows.Timer {
	if s.Stage != Working {
		return nil
	}
	var out []workflows.Timer
	at := func(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
	if s.Came.IsZero() {
		out = append(out, workflows.Timer{Name: timerDay, At: at(s.Day.At)})
	}
	if next := s.nextReminder(); len(s.waiting()) > 0 {
		out = append(out, workflows.Timer{Name: timerRemind, At: at(next)})
	}
	return out
}

// nextReminder is in the first working hour after it is late, then a day after the last.
func (s State) nextReminder() time.Time {
	next := s.Day.Due
	if n := len(s.Reminders); n > 0 {
		next = s.Reminders[n-1].At.Add(remindEvery)
	}
	return s.Hours.Next(next)
}

func reminderName(n int) string { return "reminder-" + strconv.Itoa(n+1) }
