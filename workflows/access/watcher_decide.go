package access

import (
	"cmp"
	"fmt"
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
func (s WatchState) before(user string) time.Time {
	at := s.Looked.Add(-s.Every)
	if s.Prev.Before(at) {
		at = s.Prev
	}
	if _, waited := s.Waiting[user]; waited || s.Known == lookAgain || s.Code != "" || at.Before(s.Since) {
		at = s.Since
	}
	return at.Add(-traceMargin)
}

// findingClosed takes what a finding's card showed at its end as known from now on.
func (s WatchState) findingClosed(cmd workflows.Command) workflows.Decision {
	user, now := cmd.Input[inUser], cmd.Input["now"]
	open, stands := s.Open[user]
	if !stands || open.Finding != cmd.Input["finding"] {
		return workflows.Decision{}
	}
	moved := open.Now != now
	d := one(cmd, evDecided, decided{User: user, Email: open.Email, Now: now, Moved: moved})
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
	vote, enough, err := take(s.Taking, nil, currentManagers(s.Taking.Electorate, f), cmd, f)
	switch {
	case err != nil:
		return workflows.Decision{}, err
	case !enough:
		d := one(cmd, evTaking, vote)
		d.Reply = workflows.Reply{Text: fmt.Sprintf("Recorded. %d of %d take it as expected; the others still can.",
			len(s.Taking.Votes)+len(vote.Votes), s.Taking.Quorum)}
		return d, nil
	}
	d := one(cmd, evAllExpected, none{})
	for _, user := range slices.Sorted(maps.Keys(s.Waiting)) {
		w := s.Waiting[user]
		key, _, _ := f.Account.GivenOf(s.Environment, w.Email, w.Who)
		d.Account = append(d.Account, expected(cmd, s.ID, key, w.Now, w.Who))
	}
	return d, nil
}

// expected records that somebody took an access as theirs to answer for.
func expected(cmd workflows.Command, workflow, key, mark string, who workflows.UserRef) workflows.Event {
	g := workflows.Given{Workflow: workflow, Since: cmd.At, Who: who}
	if h := readMark(mark); h != nil {
		g.Mark = h.Access.Mark()
	}
	return cmd.Event(workflows.AccessGiven, workflows.GivenChange{Key: key, Given: g, Workflow: workflow})
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
		return one(cmd, evBaseline, baseline{Known: r.Census.Mark(), Users: usersOf(r.Census)}), nil
	}
	return s.compare(cmd, f, r.Census), nil
}

// usersOf is what everybody has.
func usersOf(c *workflows.Census) map[string]had {
	out := make(map[string]had, len(c.Users))
	for _, u := range c.Users {
		out[userKey(u.Ref(), u.Email)] = had{Email: strings.ToLower(u.Email), Mark: u.Mark(), Who: u.Ref()}
	}
	return out
}

// compare explains each difference, opens a finding for it, or leaves it for later.
func (s WatchState) compare(cmd workflows.Command, f workflows.Facts, c *workflows.Census) workflows.Decision {
	now := usersOf(c)
	ev := differences{Known: c.Mark(), Explained: map[string]had{}, Renamed: map[string]had{}, Opened: map[string]standingFinding{}, Moved: map[string]string{}, Waiting: map[string]standingFinding{},
		Hour: s.Hour, Used: s.Used}
	if ev.Hour.IsZero() || cmd.At.Sub(ev.Hour) >= time.Hour {
		ev.Hour, ev.Used = cmd.At, 0
	}
	var calls []workflows.Call
	for _, key := range s.everyone(now, f.Account.Owner) {
		before, after := s.Base[key], now[key]
		was, is := or(before.Mark, absent), or(after.Mark, absent)
		who := seenLast(before, after)
		if open, stands := s.Open[key]; stands {
			who = seenLast(had{Email: open.Email, Who: open.Who}, after)
			if by := decidedSince(f, s.Environment, who, is, open); by != "" && is != open.Was {
				calls = append(calls, s.explainedBy(&ev, open, key, who, is, by))
			} else if open.Now != is {
				calls = append(calls, s.moved(&ev, open, key, is, c))
			}
			continue
		}
		switch {
		case was == is && before.Email == after.Email:
		case was == is:
			ev.Renamed[key] = after
		case explained(f, s.Environment, who, was, is, cmd.At):
			ev.Explained[key] = had{Email: who.Email, Mark: is, Who: who.Who}
		case inHand(f, s.Environment, who, is):
			ev.Known = lookAgain
		case ev.Used < findingsAnHour:
			id := workflows.NewID('f', s.AccountID, f.Shards, s.AccountID, s.ID, who.Email, was, is, cmd.At.String())
			_, given, _ := f.Account.GivenOf(s.Environment, who.Email, who.Who)
			open := standingFinding{Finding: id, Was: was, Now: is, Given: given.Workflow, Email: who.Email, Who: who.Who}
			ev.Opened[key] = open
			ev.Used++
			calls = append(calls, s.open(open, key, c, now))
		default:
			ev.Waiting[key] = standingFinding{Was: was, Now: is, Email: who.Email, Who: who.Who}
		}
	}
	ev.Taking = s.takingBallot(f, ev.Waiting)
	ev.To = s.deciders(f, ev.Waiting, ev.Taking.Quorum)
	if ev.Known == s.Known && s.Code == "" && len(calls)+len(ev.Explained)+len(ev.Renamed) == 0 && maps.Equal(ev.Waiting, s.Waiting) {
		return workflows.Decision{}
	}
	d := one(cmd, evDifferences, ev)
	d.Calls = calls
	return d
}

// seenLast is a user as they were seen last: who is listed no more was seen before.
func seenLast(before, after had) had {
	if after.Email == "" {
		return before
	}
	return after
}

// everyone lists whoever has or had anything, the recorded owner first: that they are listed is the gravest difference.
func (s WatchState) everyone(now map[string]had, owner string) []string {
	address := map[string]string{}
	for key, d := range s.Open {
		address[key] = d.Email
	}
	for key, h := range s.Base {
		address[key] = h.Email
	}
	for key, h := range now {
		address[key] = h.Email
	}
	rank := func(key string) int {
		if workflows.SameEmail(address[key], owner) {
			return 0
		}
		return 1
	}
	return slices.SortedFunc(maps.Keys(address), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(address[a], address[b]), strings.Compare(a, b))
	})
}

// moved tells a standing finding that it is something else again; as it was before, it is over.
func (s WatchState) moved(ev *differences, open standingFinding, key, is string, c *workflows.Census) workflows.Call {
	if is == open.Was {
		ev.Back = append(ev.Back, key)
	} else {
		ev.Moved[key] = is
	}
	call := workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: open.Finding, Command: findingChanged, Input: map[string]string{"now": is}}
	describeUser(call.Input, c, key)
	return call
}

// explainedBy ends a standing finding that a decision explains by now.
func (s WatchState) explainedBy(ev *differences, open standingFinding, key string, who had, is, by string) workflows.Call {
	ev.Back, ev.Explained[key] = append(ev.Back, key), had{Email: who.Email, Mark: is, Who: who.Who}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: open.Finding, Command: findingChanged, Input: map[string]string{"now": is, "explained": by}}
}

// decidedSince names the decision, made after a finding was opened, that explains what is there now; "" for none. The finding's own decision comes by itself.
func decidedSince(f workflows.Facts, environment string, who had, is string, open standingFinding) string {
	_, g, decided := f.Account.GivenOf(environment, who.Email, who.Who)
	by := explainer(g, is)
	if !decided || by == open.Given || by == open.Finding {
		return ""
	}
	return by
}

// explainer is the workflow that explains what a mark shows: the last decision, or the one for which Keyholder wrote it since. Empty: none.
func explainer(g workflows.Given, is string) string {
	h := readMark(is)
	shows := func(mark string) bool {
		return h == nil && mark == "" || h != nil && !h.Disabled && h.Access.Mark() == mark
	}
	switch {
	case g.Workflow != "" && shows(g.Mark):
		return g.Workflow
	case g.Wrote != nil && !g.Wrote.At.Before(g.Since) && shows(g.Wrote.Mark):
		return g.Wrote.Workflow
	}
	return ""
}

// open opens a finding.
func (s WatchState) open(d standingFinding, key string, c *workflows.Census, now map[string]had) workflows.Call {
	in := map[string]string{BlockEnvironment: s.Environment, BlockEmail: d.Email, "was": d.Was, "now": d.Now, "watcher": s.ID,
		inUser: key, inRecordID: d.Who.Record, inUserID: d.Who.User, "after": s.before(key).UTC().Format(time.RFC3339)}
	describeUser(in, c, key)
	var gone []string // who may be the new owner: a user who is listed no more
	for k, h := range s.Base {
		if now[k].Email == "" {
			gone = append(gone, h.Email)
		}
	}
	if len(gone) == 1 {
		in["gone"] = gone[0]
	}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: d.Finding, Command: FindingRequest, Input: in}
}

// Inputs by which a watcher names a user to a finding, and a finding to its watcher.
const (
	inUser     = "user"      // [userKey]
	inUserID   = "user_id"   // sharedWithUser._id
	inRecordID = "record_id" // _id of the access record
)

// describeUser adds what integrator.io tells of how somebody's access came about, and their address of now.
func describeUser(in map[string]string, c *workflows.Census, key string) {
	for _, u := range c.Users {
		if userKey(u.Ref(), u.Email) == key {
			in["via"], in["address"] = u.Via, strings.ToLower(u.Email)
			if !u.Since.IsZero() {
				in["since"] = u.Since.UTC().Format(time.RFC3339)
			}
		}
	}
}

// explained reports whether a difference follows from a decision, or is only an answer to an invitation that was known.
func explained(f workflows.Facts, environment string, who had, was, is string, at time.Time) bool {
	before, after := readMark(was), readMark(is)
	if before != nil && after != nil && before.Access.Mark() == after.Access.Mark() && before.Disabled == after.Disabled {
		return true
	}
	if _, g, decided := f.Account.GivenOf(environment, who.Email, who.Who); decided && explainer(g, is) != "" {
		return true
	}
	switch {
	case after == nil && workflows.SameEmail(who.Email, f.Account.Owner):
		return true // they own it now, by a change of owner that is recorded; the list leaves owners out
	case workflows.SameEmail(who.Email, f.Account.Previous):
		return at.Sub(f.Account.Since) <= settlingAtMost
	}
	return false
}

// inHand reports whether an open workflow is changing this, so that it is looked at again later.
func inHand(f workflows.Facts, environment string, who had, is string) bool {
	key, _, _ := f.Account.GivenOf(environment, who.Email, who.Who)
	if f.Account.Locks["access/"+key] != "" || f.Account.Locks["access/"+workflows.GivenKey(environment, who.Email)] != "" {
		return true
	}
	if f.Account.Locks[workflows.LockTransfer] == "" || environment != "" {
		return false
	}
	_, alias := f.Policy.Alias(who.Email)
	return alias || is == absent || workflows.SameEmail(who.Email, f.Account.Owner)
}

// deciders are the administrators, or the holders where there is none, but for those it is about.
func (s WatchState) deciders(f workflows.Facts, about map[string]standingFinding, quorum int) []string {
	_, to := findingPeople(f, func(who approvals.Identity) bool { return amongWaiting(about, who) }, quorum)
	return to
}

// takingBallot asks those who look after access whether what waits is expected: as many as the gravest of it needs. Whose access is
// among it, and who asked for what was decided about it last, does not answer.
func (s WatchState) takingBallot(f workflows.Facts, waiting map[string]standingFinding) approvals.Ballot {
	if len(waiting) == 0 {
		return approvals.Ballot{}
	}
	var marks []string
	var parties []approvals.Party
	for _, key := range slices.Sorted(maps.Keys(waiting)) {
		d := waiting[key]
		marks = append(marks, d.Now)
		parties = append(parties, approvals.Party{Why: partyBeneficiary, Identity: approvals.Identity{}.With(d.Email)})
		if _, g, found := f.Account.GivenOf(s.Environment, d.Email, d.Who); found && g.Asked != "" {
			parties = append(parties, approvals.Party{Why: partyRequester, Identity: approvals.Identity{ID: g.Asked}})
		}
	}
	b := approvals.Ballot{Quorum: quorumOf(f.Policy.Access, marks...)}
	b.Electorate, _ = findingPeople(f, func(who approvals.Identity) bool { return amongWaiting(waiting, who) }, b.Quorum)
	b.Bars = approvals.Bars(parties, f.Everybody())
	return b
}

// amongWaiting reports whether somebody's own access is among differences, by any address known of them.
func amongWaiting(waiting map[string]standingFinding, who approvals.Identity) bool {
	for _, d := range waiting {
		if who.Same(approvals.Identity{}.With(d.Email)) {
			return true
		}
	}
	return false
}

// findingPeople are those who look after access, and of them those who are told of a finding: the administrators, else the holders; never whom it is about.
func findingPeople(f workflows.Facts, own func(approvals.Identity) bool, quorum int) (managers, to []string) {
	able := func(ids []string) []string {
		return slices.DeleteFunc(f.Expand(ids), func(id string) bool {
			return f.People[id].Standing != "" || own(f.Known(id))
		})
	}
	admins, holders := able(f.Policy.Admins), able(f.Policy.HolderIDs())
	managers = workflows.Union(admins, holders)
	if len(admins) > 0 && len(admins) >= quorum {
		return managers, admins
	}
	if len(admins) > 0 {
		return managers, managers
	}
	return managers, holders
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
