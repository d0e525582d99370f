package drift

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// usersOf is what everybody has.
func usersOf(c *workflows.Census) map[string]had {
	out := make(map[string]had, len(c.Users))
	for _, u := range c.Users {
		out[userKey(u.Ref(), u.Email)] = had{Email: strings.ToLower(u.Email), Mark: u.Mark(), Who: u.Ref()}
	}
	return out
}

// comparison is one census held against what is known.
type comparison struct {
	s     WatchState
	cmd   workflows.Command
	f     workflows.Facts
	c     *workflows.Census
	now   map[string]had
	ev    differences
	calls []workflows.Call
}

// compare explains each difference, opens a finding for it, or leaves it for later.
func (s WatchState) compare(cmd workflows.Command, f workflows.Facts, c *workflows.Census) workflows.Decision {
	x := comparison{s: s, cmd: cmd, f: f, c: c, now: usersOf(c), ev: differences{
		Known: c.Mark(), Explained: map[string]had{}, Renamed: map[string]had{}, Opened: map[string]standing{},
		Moved: map[string]string{}, Waiting: map[string]standing{}, Hour: s.Hour, Used: s.Used,
	}}
	if x.ev.Hour.IsZero() || cmd.At.Sub(x.ev.Hour) >= time.Hour {
		x.ev.Hour, x.ev.Used = cmd.At, 0
	}
	for _, key := range s.everyone(x.now, f.Account.Owner) {
		if open, stands := s.Open[key]; stands {
			x.stands(key, open)
			continue
		}
		x.fresh(key)
	}
	x.ev.Taking = s.taking(f, x.ev.Waiting)
	_, x.ev.To = question.Deciders(f, func(who approvals.Identity) bool { return amongWaiting(x.ev.Waiting, who) },
		x.ev.Taking.Quorum)
	nothing := len(x.calls)+len(x.ev.Explained)+len(x.ev.Renamed) == 0
	if x.ev.Known == s.Known && s.Code == "" && nothing && maps.Equal(x.ev.Waiting, s.Waiting) {
		return workflows.Decision{}
	}
	d := evDifferences.One(cmd, x.ev)
	d.Calls = x.calls
	return d
}

// stands follows a user of whom a finding is open.
func (x *comparison) stands(key string, open standing) {
	is := cmp.Or(x.now[key].Mark, workflows.Absent)
	who := seenLast(had{Email: open.Email, Who: open.Who}, x.now[key])
	if by := x.decidedSince(who, is, open); by != "" && is != open.Was {
		x.ev.Back, x.ev.Explained[key] = append(x.ev.Back, key), had{Email: who.Email, Mark: is, Who: who.Who}
		x.calls = append(x.calls, changed.To(x.s.AccountID, open.Finding, change{Now: is, Explained: by}))
		return
	}
	if open.Now == is {
		return
	}
	if is == open.Was { // as it was before, it is over
		x.ev.Back = append(x.ev.Back, key)
	} else {
		x.ev.Moved[key] = is
	}
	x.calls = append(x.calls, changed.To(x.s.AccountID, open.Finding, change{Now: is, described: x.describe(key)}))
}

// fresh judges a user of whom no finding is open.
func (x *comparison) fresh(key string) {
	s, f := x.s, x.f
	before, after := s.Base[key], x.now[key]
	was, is := cmp.Or(before.Mark, workflows.Absent), cmp.Or(after.Mark, workflows.Absent)
	who := seenLast(before, after)
	switch {
	case was == is && before.Email == after.Email:
	case was == is:
		x.ev.Renamed[key] = after
	case x.explained(who, was, is):
		x.ev.Explained[key] = had{Email: who.Email, Mark: is, Who: who.Who}
	case x.inHand(who, is):
		x.ev.Known = lookAgain
	case x.ev.Used < findingsAnHour:
		_, given, _ := f.Account.GivenOf(s.Environment, who.Email, who.Who)
		open := standing{
			Finding: workflows.NewID(workflows.LetterFinding, s.AccountID, f.Shards, s.AccountID, s.ID,
				who.Email, was, is, x.cmd.At.String()),
			Was: was, Now: is, Given: given.Workflow, Email: who.Email, Who: who.Who,
		}
		x.ev.Opened[key] = open
		x.ev.Used++
		x.calls = append(x.calls, x.open(open, key))
	default:
		x.ev.Waiting[key] = standing{Was: was, Now: is, Email: who.Email, Who: who.Who}
	}
}

// seenLast is a user as they were seen last: who is listed no more was seen before.
func seenLast(before, after had) had {
	if after.Email == "" {
		return before
	}
	return after
}

// everyone lists whoever has or had anything, the recorded owner first: that they are listed is the
// gravest difference.
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

// open opens a finding.
func (x *comparison) open(d standing, key string) workflows.Call {
	in := found{
		Environment: x.s.Environment, Email: d.Email, Was: d.Was, Now: d.Now, Watcher: x.s.ID, User: key, Who: d.Who,
		After: x.s.before(key).UTC(), described: x.describe(key),
	}
	var gone []string // who may be the new owner: a user who is listed no more
	for k, h := range x.s.Base {
		if x.now[k].Email == "" {
			gone = append(gone, h.Email)
		}
	}
	if len(gone) == 1 {
		in.Gone = gone[0]
	}
	return findingRequest.To(x.s.AccountID, d.Finding, in)
}

// describe is what integrator.io tells of how somebody's access came about, and their address of
// now.
func (x *comparison) describe(key string) described {
	for _, u := range x.c.Users {
		if userKey(u.Ref(), u.Email) == key {
			return described{Via: u.Via, Address: strings.ToLower(u.Email), Created: u.Since}
		}
	}
	return described{}
}

// decidedSince names the decision, made after a finding was opened, that explains what is there now;
// "" for none. The finding's own decision comes by itself.
func (x *comparison) decidedSince(who had, is string, open standing) string {
	_, g, decided := x.f.Account.GivenOf(x.s.Environment, who.Email, who.Who)
	by := explainer(g, is)
	if !decided || by == open.Given || by == open.Finding {
		return ""
	}
	return by
}

// explainer is the workflow that explains what a mark shows: the last decision, or the one for which
// Keyholder wrote it since. Empty: none.
func explainer(g workflows.Given, is string) string {
	h := workflows.ReadMark(is)
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

// explained reports whether a difference follows from a decision, or is only an answer to an
// invitation that was known.
func (x *comparison) explained(who had, was, is string) bool {
	before, after := workflows.ReadMark(was), workflows.ReadMark(is)
	if before != nil && after != nil && before.Access.Mark() == after.Access.Mark() &&
		before.Disabled == after.Disabled {
		return true
	}
	account := x.f.Account
	if _, g, decided := account.GivenOf(x.s.Environment, who.Email, who.Who); decided && explainer(g, is) != "" {
		return true
	}
	switch {
	case after == nil && workflows.SameEmail(who.Email, account.Owner):
		return true // they own it now, by a change of owner that is recorded; the list leaves owners out
	case workflows.SameEmail(who.Email, account.Previous):
		return x.cmd.At.Sub(account.Since) <= settlingAtMost
	}
	return false
}

// inHand reports whether an open workflow is changing this, so that it is looked at again later.
func (x *comparison) inHand(who had, is string) bool {
	locks, environment := x.f.Account.Locks, x.s.Environment
	key, _, _ := x.f.Account.GivenOf(environment, who.Email, who.Who)
	if locks["access/"+key] != "" || locks["access/"+workflows.GivenKey(environment, who.Email)] != "" {
		return true
	}
	if locks[workflows.LockTransfer] == "" || environment != "" {
		return false
	}
	_, alias := x.f.Policy.Alias(who.Email)
	return alias || is == workflows.Absent || workflows.SameEmail(who.Email, x.f.Account.Owner)
}

// taking asks those who look after access whether what waits is expected: as many as the gravest of
// it needs. Whose access is among it, and who asked for what was decided about it last, does not
// answer.
func (s WatchState) taking(f workflows.Facts, waiting map[string]standing) question.Expected {
	if len(waiting) == 0 {
		return question.Expected{}
	}
	var marks []string
	var parties []approvals.Party
	for _, key := range slices.Sorted(maps.Keys(waiting)) {
		d := waiting[key]
		marks = append(marks, d.Now)
		parties = append(parties, approvals.Party{Why: question.ByBeneficiary,
			Identity: approvals.Identity{}.With(d.Email)})
		if _, g, found := f.Account.GivenOf(s.Environment, d.Email, d.Who); found && g.Asked != "" {
			parties = append(parties, approvals.Party{Why: question.ByRequester,
				Identity: approvals.Identity{ID: g.Asked}})
		}
	}
	var x question.Expected
	x.Quorum = question.Expectants(f.Policy.Access, marks...)
	own := func(who approvals.Identity) bool { return amongWaiting(waiting, who) }
	x.Electorate, _ = question.Deciders(f, own, x.Quorum)
	x.Bars = approvals.Bars(parties, f.Everybody())
	return x
}

// takenAsExpected records one of what waited as decided.
func takenAsExpected(cmd workflows.Command, f workflows.Facts, s WatchState, w standing) workflows.Event {
	key, _, _ := f.Account.GivenOf(s.Environment, w.Email, w.Who)
	return question.TakenAsExpected(cmd, s.ID, key, w.Now, w.Who)
}
