package drift

import (
	"maps"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

var watchGate = workflows.Gate[WatchState]{
	Noun:    "card",
	Clicks:  map[string]workflows.Handler[WatchState]{ActAdopt: allExpected},
	Outcome: func(WatchState) string { return "nobody looks for drift here any more." },
	Now:     func(s WatchState) string { return workflows.Plural(len(s.Waiting), "difference") + " waits." },
}

func decideWatcher(s WatchState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if Begin.Given(cmd) && !s.Opened() {
		b, err := Begin.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		return openWatcher(cmd, f, b)
	}
	ours := s.Opened() && !s.Closed()
	switch {
	case cmd.Actor.Kind == workflows.ByPerson:
		return watchGate.Decide(s, cmd, f)
	case !ours:
		return workflows.Decision{}, workflows.Refuse("closed", "Nobody looks for drift here any more. Nothing "+
			"was recorded.")
	case cmd.Name == WatchLook && cmd.Actor.Kind == workflows.ByKeyholder:
		return s.look(cmd, f, true), nil
	case findingOver.Given(cmd):
		b, err := findingOver.Body(cmd)
		return s.findingOver(cmd, b), err
	case cmd.Name == workflows.CmdTimer:
		return s.look(cmd, f, false), nil
	case cmd.Name == workflows.CmdReceipt && cmd.Receipt != nil:
		return s.counted(cmd, f)
	}
	return watchGate.Decide(s, cmd, f)
}

// openWatcher begins to look.
func openWatcher(cmd workflows.Command, f workflows.Facts, b Beginning) (workflows.Decision, error) {
	if !readable(f.Policy, b.Environment) {
		return workflows.Decision{}, workflows.Refuse("no_token",
			"This environment is not configured with a token, so nobody can look.")
	}
	s := WatchState{Watched: Watched{AccountName: f.Policy.Name, Environment: b.Environment,
		Every: f.Policy.Access.DriftEvery}}
	s.Opening = workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}
	d := evWatching.One(cmd, watching{Opening: s.Opening, Watched: s.Watched})
	d.Calls = []workflows.Call{s.censusCall()}
	return d, nil
}

// readable reports whether an environment is configured with a token.
func readable(p workflows.Policy, environment string) bool {
	if environment == "" {
		return p.Name != "" && p.Token
	}
	return slices.ContainsFunc(p.Access.Environments, func(e workflows.Environment) bool {
		return e.Name == environment && e.Token
	})
}

// censusCall reads every user.
func (s WatchState) censusCall() workflows.Call {
	return workflows.Call{Op: workflows.OpCensus, Account: s.AccountID, Environment: s.Environment, Known: s.Known}
}

// look reads now, or in a second when it just did; with another configuration it looks at other
// times from now on.
func (s WatchState) look(cmd workflows.Command, f workflows.Facts, asked bool) workflows.Decision {
	if !readable(f.Policy, s.Environment) {
		return evUnwatched.One(cmd, workflows.None{})
	}
	every := f.Policy.Access.DriftEvery
	if every <= 0 {
		every = s.Every
	}
	if asked && cmd.At.Sub(s.Looked) < lookEvery && every == s.Every {
		if s.Soon {
			return workflows.Decision{}
		}
		return evLookSoon.One(cmd, workflows.None{})
	}
	d := evLooked.One(cmd, looked{Every: every})
	call := s.censusCall()
	if len(s.Waiting) > 0 {
		call.Known = ""
	}
	call.Deadline = cmd.At.Add(max(every, lookAtLeast)) // the next look asks anew, so what waits does not pile up
	d.Calls = []workflows.Call{call}
	return d
}

// findingOver takes what a finding's card showed at its end as known from now on.
func (s WatchState) findingOver(cmd workflows.Command, b overFinding) workflows.Decision {
	open, stands := s.Open[b.User]
	if !stands || open.Finding != b.Finding {
		return workflows.Decision{}
	}
	moved := open.Now != b.Now
	d := evDecided.One(cmd, decided{User: b.User, Email: open.Email, Now: b.Now, Moved: moved})
	if moved { // the card had not heard of it yet; the next reading finds it anew
		call := s.censusCall()
		call.Known = ""
		d.Calls = []workflows.Call{call}
	}
	return d
}

// allExpected takes what waits for a card as known.
func allExpected(s WatchState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var none workflows.Decision
	if err := refuseOthers(cmd.Actor.ID, s.To, f); err != nil {
		return none, err
	}
	if len(s.Waiting) == 0 {
		r := workflows.Refuse("old_round", "Nothing waits here any more. Nothing was recorded by this click. "+
			"Look at your card.")
		r.Refresh = true
		return none, r
	}
	if amongWaiting(s.Waiting, f.Known(cmd.Actor.ID)) {
		return none, ownAccess("Your own access is among these, so somebody else must decide.")
	}
	took, enough, err := s.Taking.Take(nil, f.Managing(s.Taking.Electorate), cmd, f)
	switch {
	case err != nil:
		return none, err
	case !enough:
		d := evTaking.One(cmd, took)
		d.Reply = s.Taking.Recorded(took, "take it as expected")
		return d, nil
	}
	d := evAllExpected.One(cmd, workflows.None{})
	for _, user := range slices.Sorted(maps.Keys(s.Waiting)) {
		d.Account = append(d.Account, takenAsExpected(cmd, f, s, s.Waiting[user]))
	}
	return d, nil
}

// amongWaiting reports whether somebody's own access is among differences, by any address known of
// them.
func amongWaiting(waiting map[string]standing, who approvals.Identity) bool {
	for _, d := range waiting {
		if who.Same(approvals.Identity{}.With(d.Email)) {
			return true
		}
	}
	return false
}

// counted takes a census: the first is the baseline, later ones are compared with what is known.
func (s WatchState) counted(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	r := *cmd.Receipt
	switch {
	case r.Op != workflows.OpCensus:
		return workflows.Decision{}, nil
	case r.Code == workflows.RefusedNoToken || !readable(f.Policy, s.Environment):
		return evUnwatched.One(cmd, workflows.None{}), nil
	case !r.OK && r.Code == s.Code, r.OK && r.Census == nil:
		return workflows.Decision{}, nil
	case !r.OK:
		return evUnread.One(cmd, unread{Code: r.Code, Message: r.Message}), nil
	case s.Baseline.IsZero():
		return evBaseline.One(cmd, baseline{Known: r.Census.Mark(), Users: usersOf(r.Census)}), nil
	}
	return s.compare(cmd, f, r.Census), nil
}

// before is when a difference that is seen now can have come about at the earliest, for the audit
// log.
func (s WatchState) before(user string) time.Time {
	at := s.Looked.Add(-s.Every)
	if s.Prev.Before(at) {
		at = s.Prev
	}
	if _, waited := s.Waiting[user]; waited || s.Known == lookAgain || s.Code != "" || at.Before(s.Baseline) {
		at = s.Baseline
	}
	return at.Add(-traceMargin)
}
