package access

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

func decideWatcher(s WatchState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	switch {
	case cmd.Name == WatchRequest && ours && !s.Opened():
		return openWatcher(cmd, f)
	case s.Closed() || !s.Opened():
		return workflows.Decision{}, refused("closed", "Nobody looks for drift here any more. Nothing was recorded.")
	case cmd.Name == WatchLook && ours:
		return s.look(cmd, f, true), nil
	case cmd.Name == watchClosed && ours:
		return s.findingClosed(cmd), nil
	case cmd.Name == workflows.CmdTimer:
		return s.look(cmd, f, false), nil
	case cmd.Name == workflows.CmdReceipt:
		return s.counted(cmd, f)
	case cmd.Name == ActAdopt && cmd.Actor.Kind == workflows.ByPerson:
		return s.allExpected(cmd, f)
	}
	return workflows.Decision{}, refused("unknown_action", "That button is not one of this card's. Nothing was recorded. Use the buttons on your card.")
}

// openWatcher begins to look.
func openWatcher(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	env := cmd.Input[BlockEnvironment]
	if !readable(f.Policy, env) {
		return workflows.Decision{}, refused("no_token", "This environment is not configured with a token, so nobody can look.")
	}
	s := WatchState{Watched: Watched{ID: cmd.Workflow, AccountID: f.Policy.ID, AccountName: f.Policy.Name, Environment: env, Every: f.Policy.Access.DriftEvery, Timed: true}}
	d := one(cmd, evWatching, s.Watched)
	d.Calls = []workflows.Call{s.censusCall()}
	return d, nil
}

// readable reports whether an environment is configured with a token.
func readable(p workflows.Policy, environment string) bool {
	if environment == "" {
		return p.Name != "" && p.Token
	}
	return slices.ContainsFunc(p.Access.Environments, func(e workflows.Environment) bool { return e.Name == environment && e.Token })
}

// look reads now, or in a second when it just did; with another configuration it looks at other times from now on.
func (s WatchState) look(cmd workflows.Command, f workflows.Facts, asked bool) workflows.Decision {
	if !readable(f.Policy, s.Environment) {
		return one(cmd, evUnwatched, none{})
	}
	every := f.Policy.Access.DriftEvery
	if every <= 0 {
		every = s.Every
	}
	if asked && s.Timed && cmd.At.Sub(s.Looked) < lookEvery && every == s.Every {
		if s.Soon {
			return workflows.Decision{}
		}
		return one(cmd, evLookSoon, none{})
	}
	d := one(cmd, evLooked, looked{Every: every, Timed: true})
	call := s.censusCall()
	if len(s.Waiting) > 0 {
		call.Known = ""
	}
	call.Deadline = cmd.At.Add(max(every, lookAtLeast)) // the next look asks anew, so what waits does not pile up
	d.Calls = []workflows.Call{call}
	return d
}

// before is when a difference that is seen now can have come about at the earliest, for the audit log.
func (s WatchState) before(email string) time.Time {
	at := s.Looked.Add(-s.Every)
	if s.Prev.Before(at) {
		at = s.Prev
	}
	if _, waited := s.Waiting[email]; waited || s.Known == lookAgain || s.Code != "" || at.Before(s.Since) {
		at = s.Since
	}
	return at.Add(-traceMargin)
}

// findingClosed takes what a finding's card showed at its end as known from now on.
func (s WatchState) findingClosed(cmd workflows.Command) workflows.Decision {
	email, now := cmd.Input[BlockEmail], cmd.Input["now"]
	open, stands := s.Open[email]
	if !stands || open.Finding != cmd.Input["finding"] {
		return workflows.Decision{}
	}
	moved := open.Now != now
	d := one(cmd, evDecided, decided{Email: email, Now: now, Moved: moved})
	if moved { // the card had not heard of it yet; the next reading finds it anew
		call := s.censusCall()
		call.Known = ""
		d.Calls = []workflows.Call{call}
	}
	return d
}

// allExpected takes what waits for a card as known.
func (s WatchState) allExpected(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return workflows.Decision{}, r
	}
	switch {
	case !workflows.Among(cmd.Actor.ID, currentManagers(s.To, f)):
		return workflows.Decision{}, noLonger(refused("not_permitted", "Only "+workflows.Mentions(currentManagers(s.To, f))+" can decide this. Nothing was recorded."),
			workflows.Among(cmd.Actor.ID, s.To))
	case cmd.Round != workflows.NoRound && cmd.Round != s.Round || len(s.Waiting) == 0:
		r := refused("old_round", "This card has changed since you opened it. Nothing was recorded by this click. Look at your card; it shows what is asked now.")
		r.Refresh = true
		return workflows.Decision{}, r
	}
	if amongWaiting(s.Waiting, f.Known(cmd.Actor.ID)) {
		return workflows.Decision{}, refused("own_access", "Your own access is among these, so somebody else must decide. Nothing was recorded.")
	}
	d := one(cmd, evAllExpected, none{})
	for _, email := range slices.Sorted(maps.Keys(s.Waiting)) {
		d.Account = append(d.Account, expected(cmd, s.ID, s.Environment, email, s.Waiting[email].Now))
	}
	return d, nil
}

// expected records that somebody took an access as theirs to answer for.
func expected(cmd workflows.Command, workflow, environment, email, mark string) workflows.Event {
	g := workflows.Given{Workflow: workflow, Since: cmd.At}
	if h := readMark(mark); h != nil {
		g.Mark = h.Access.Mark()
	}
	return cmd.Event(workflows.AccessGiven, workflows.GivenChange{Key: workflows.GivenKey(environment, email), Given: g})
}

// counted compares a census with what is known.
func (s WatchState) counted(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	r := *cmd.Receipt
	switch {
	case r.Op != workflows.OpCensus:
		return workflows.Decision{}, nil
	case r.Code == workflows.RefusedNoToken || !readable(f.Policy, s.Environment):
		return one(cmd, evUnwatched, none{}), nil
	case !r.OK && r.Code == s.Code, r.OK && r.Census == nil:
		return workflows.Decision{}, nil
	case !r.OK:
		return one(cmd, evUnread, refusal{Code: r.Code, Message: r.Message}), nil
	case s.Since.IsZero():
		return one(cmd, evBaseline, baseline{Known: r.Census.Mark(), Users: marks(r.Census)}), nil
	}
	return s.compare(cmd, f, r.Census), nil
}

// marks is what everybody has.
func marks(c *workflows.Census) map[string]string {
	out := make(map[string]string, len(c.Users))
	for _, u := range c.Users {
		out[strings.ToLower(u.Email)] = u.Mark()
	}
	return out
}

// compare explains each difference, opens a finding for it, or leaves it for later.
func (s WatchState) compare(cmd workflows.Command, f workflows.Facts, c *workflows.Census) workflows.Decision {
	now := marks(c)
	ev := differences{Known: c.Mark(), Explained: map[string]string{}, Opened: map[string]standingFinding{}, Moved: map[string]string{}, Waiting: map[string]standingFinding{},
		Hour: s.Hour, Used: s.Used}
	if ev.Hour.IsZero() || cmd.At.Sub(ev.Hour) >= time.Hour {
		ev.Hour, ev.Used = cmd.At, 0
	}
	var calls []workflows.Call
	for _, email := range s.everyone(now, f.Account.Owner) {
		was, is := or(s.Base[email], absent), or(now[email], absent)
		if open, stands := s.Open[email]; stands {
			if by := decidedSince(f, s.Environment, email, is, open); by != "" && is != open.Was {
				calls = append(calls, s.explainedBy(&ev, open, email, is, by))
			} else if open.Now != is {
				calls = append(calls, s.moved(&ev, open, email, is, c))
			}
			continue
		}
		switch {
		case was == is:
		case explained(f, s.Environment, email, was, is, cmd.At):
			ev.Explained[email] = is
		case inHand(f, s.Environment, email, is):
			ev.Known = lookAgain
		case ev.Used < findingsAnHour:
			id := workflows.NewID('f', s.AccountID, f.Shards, s.AccountID, s.ID, email, was, is, cmd.At.String())
			ev.Opened[email] = standingFinding{Finding: id, Was: was, Now: is, Given: f.Account.Given[workflows.GivenKey(s.Environment, email)].Workflow}
			ev.Used++
			calls = append(calls, s.open(id, email, was, is, c, now))
		default:
			ev.Waiting[email] = standingFinding{Was: was, Now: is}
		}
	}
	ev.To = s.deciders(f, ev.Waiting)
	if ev.Known == s.Known && s.Code == "" && len(calls)+len(ev.Explained) == 0 && maps.Equal(ev.Waiting, s.Waiting) {
		return workflows.Decision{}
	}
	d := one(cmd, evDifferences, ev)
	d.Calls = calls
	return d
}

// everyone lists whoever has or had anything, the recorded owner first: that they are listed is the gravest difference.
func (s WatchState) everyone(now map[string]string, owner string) []string {
	all := map[string]bool{}
	for email := range s.Base {
		all[email] = true
	}
	for email := range now {
		all[email] = true
	}
	for email := range s.Open {
		all[email] = true
	}
	out := slices.Sorted(maps.Keys(all))
	if owner = strings.ToLower(owner); all[owner] {
		out = slices.Insert(slices.DeleteFunc(out, func(e string) bool { return e == owner }), 0, owner)
	}
	return out
}

// moved tells a standing finding that it is something else again; as it was before, it is over.
func (s WatchState) moved(ev *differences, open standingFinding, email, is string, c *workflows.Census) workflows.Call {
	if is == open.Was {
		ev.Back = append(ev.Back, email)
	} else {
		ev.Moved[email] = is
	}
	call := workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: open.Finding, Command: findingChanged, Input: map[string]string{"now": is}}
	describeUser(call.Input, c, email)
	return call
}

// explainedBy ends a standing finding that a decision explains by now.
func (s WatchState) explainedBy(ev *differences, open standingFinding, email, is, by string) workflows.Call {
	ev.Back, ev.Explained[email] = append(ev.Back, email), is
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: open.Finding, Command: findingChanged, Input: map[string]string{"now": is, "explained": by}}
}

// decidedSince names the decision, made after a finding was opened, that explains what is there now; "" for none. The finding's own decision comes by itself.
func decidedSince(f workflows.Facts, environment, email, is string, open standingFinding) string {
	g, decided := f.Account.Given[workflows.GivenKey(environment, email)]
	if !decided || g.Workflow == open.Given || g.Workflow == open.Finding {
		return ""
	}
	if h := readMark(is); h == nil && g.Mark == "" || h != nil && !h.Disabled && h.Access.Mark() == g.Mark {
		return g.Workflow
	}
	return ""
}

// open opens a finding.
func (s WatchState) open(id, email, was, is string, c *workflows.Census, now map[string]string) workflows.Call {
	in := map[string]string{BlockEnvironment: s.Environment, BlockEmail: email, "was": was, "now": is, "watcher": s.ID, "after": s.before(email).UTC().Format(time.RFC3339)}
	describeUser(in, c, email)
	var gone []string // who may be the new owner: a user who is listed no more
	for e := range s.Base {
		if now[e] == "" {
			gone = append(gone, e)
		}
	}
	if len(gone) == 1 {
		in["gone"] = gone[0]
	}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: id, Command: FindingRequest, Input: in}
}

// describeUser adds what integrator.io tells of how somebody's access came about.
func describeUser(in map[string]string, c *workflows.Census, email string) {
	for _, u := range c.Users {
		if workflows.SameEmail(u.Email, email) {
			in["via"] = u.Via
			if !u.Since.IsZero() {
				in["since"] = u.Since.UTC().Format(time.RFC3339)
			}
		}
	}
}

// explained reports whether a difference follows from a decision, or is only an answer to an invitation that was known.
func explained(f workflows.Facts, environment, email, was, is string, at time.Time) bool {
	before, after := readMark(was), readMark(is)
	if before != nil && after != nil && before.Access.Mark() == after.Access.Mark() && before.Disabled == after.Disabled {
		return true
	}
	if g, decided := f.Account.Given[workflows.GivenKey(environment, email)]; decided {
		if after == nil && g.Mark == "" || after != nil && !after.Disabled && g.Mark == after.Access.Mark() {
			return true
		}
	}
	switch {
	case after == nil && workflows.SameEmail(email, f.Account.Owner):
		return true // they own it now, by a change of owner that is recorded; the list leaves owners out
	case workflows.SameEmail(email, f.Account.Previous):
		return at.Sub(f.Account.Since) <= settlingAtMost
	}
	return false
}

// inHand reports whether an open workflow is changing this, so that it is looked at again later.
func inHand(f workflows.Facts, environment, email, is string) bool {
	if f.Account.Locks["access/"+workflows.GivenKey(environment, email)] != "" {
		return true
	}
	if f.Account.Locks[workflows.LockTransfer] == "" || environment != "" {
		return false
	}
	_, alias := f.Policy.Alias(email)
	return alias || is == absent || workflows.SameEmail(email, f.Account.Owner)
}

// deciders are the administrators, or the holders where there is none, but for those it is about.
func (s WatchState) deciders(f workflows.Facts, about map[string]standingFinding) []string {
	_, to := findingPeople(f, func(who approvals.Identity) bool { return amongWaiting(about, who) })
	return to
}

// amongWaiting reports whether somebody's own access is among differences, by any address known of them.
func amongWaiting(waiting map[string]standingFinding, who approvals.Identity) bool {
	for email := range waiting {
		if who.Same(approvals.Identity{}.With(email)) {
			return true
		}
	}
	return false
}

// findingPeople are those who look after access, and of them those who are told of a finding: the administrators, else the holders; never whom it is about.
func findingPeople(f workflows.Facts, own func(approvals.Identity) bool) (managers, to []string) {
	able := func(ids []string) []string {
		return slices.DeleteFunc(f.Expand(ids), func(id string) bool {
			return f.People[id].Standing != "" || own(f.Known(id))
		})
	}
	admins, holders := able(f.Policy.Admins), able(f.Policy.HolderIDs())
	managers = workflows.Union(admins, holders)
	if len(admins) > 0 {
		return managers, admins
	}
	return managers, holders
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
