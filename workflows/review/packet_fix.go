package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// close ends the decisions for good: what nobody decided is flagged, what was decided becomes access workflows.
func (s PacketState) close(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Phase != PacketReviewing && s.Phase != PacketSigned {
		return workflows.Decision{}, nil
	}
	var c closed
	for i, r := range s.Rows {
		v := s.Verdicts[i]
		if s.Signed == nil && r.Lacks(v) != "" {
			c.NoAnswer = append(c.NoAnswer, r.N)
			v = population.Verdict{Decision: population.NoAnswer}
		}
		if action := s.remedy(r, v); action != "" {
			c.Fixes = append(c.Fixes, population.Fix{Row: r.N, Action: action, State: population.FixPending,
				Before: r.Role,
				Due:    s.fixBy(r, cmd.At)})
		}
	}
	if len(c.NoAnswer) <= fewRows {
		c.Emails = s.emails(c.NoAnswer)
	}
	calls := s.openFixes(cmd, f, c.Fixes)
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evClosed, c)}, Calls: calls}
	if s.Signed == nil { // a signature has told them already
		d.Calls = append(d.Calls, s.tellKept()...)
	}
	return s.settle(cmd, d)
}

// remedy is what follows from a verdict, "" for nothing.
func (s PacketState) remedy(r population.Row, v population.Verdict) string {
	switch {
	case r.IsToken() && (v.Decision == population.Remove || v.Decision == population.NoAnswer &&
		s.Policy.NoAnswer == population.Remove && r.Exception == "" && !r.Token.Own):
		return population.FixRevoke
	case r.IsToken():
		return ""
	case v.Decision == population.Change && r.Master() && (r.Kind == population.KindOwner || v.Role == ""):
		return population.FixTransfer
	case v.Decision == population.Change:
		return population.FixChange
	case v.Decision == population.Remove, v.Decision == population.NoAnswer && s.Policy.NoAnswer == population.Remove &&
		!r.Master() &&
		r.Exception == "":
		return population.FixRemove
	}
	return ""
}

// openFixes opens an access workflow for each remedy that has none, and writes its ID into it.
func (s PacketState) openFixes(cmd workflows.Command, f workflows.Facts, fixes []population.Fix) []workflows.Call {
	var calls []workflows.Call
	for i, fix := range fixes {
		if fix.Action == population.FixTransfer || fix.Action == population.FixRevoke || fix.Access != "" {
			continue
		}
		r, v := s.Rows[fix.Row-1], s.Verdicts[fix.Row-1]
		id := workflows.NewID('a', s.AccountID, f.Shards, s.ID, strconv.Itoa(fix.Row), strconv.Itoa(fix.Tries))
		fixes[i].Access = id
		reviewer, why := v.By, v.Reason
		if reviewer == "" || v.Decision == population.NoAnswer {
			reviewer = s.Reviewers[0]
			why = "Nobody answered in the review, and the rule of this account is to remove then"
		}
		if why == "" {
			why = "Decided in the review of " + s.Period
		}
		calls = append(calls, workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: id,
			Command: "access.request", Input: map[string]string{
				"account": s.AccountID, "environment": r.Environment, "email": r.Email, "change": fix.Action,
				"role": v.Role, "reason": why,
				"review": s.Campaign, "packet": s.ID, "row": strconv.Itoa(fix.Row), "reviewer": reviewer,
				"requester": reviewer, "was": r.Mark, "was_id": r.ID,
				"until": fix.Due.UTC().Format(time.RFC3339)}})
	}
	return calls
}

// settle ends the packet when nothing is left to do, and tells the campaign how it stands.
func (s PacketState) settle(cmd workflows.Command, d workflows.Decision) (workflows.Decision, error) {
	next, err := s.fold(d.Events...)
	if err != nil {
		return d, err
	}
	if next.Phase == PacketFixing && !slices.ContainsFunc(next.Fixes, unsettled) {
		e := cmd.Event(evPacketOver, none{})
		d.Events = append(d.Events, e)
		if next, err = next.fold(e); err != nil {
			return d, err
		}
	}
	d.Calls = append(d.Calls, next.tellUndone(s)...)
	if next.newsAfter(s) {
		d.Calls = append(d.Calls, next.tellCampaign())
	}
	return d, nil
}

// tellEach is up to how many remedies the campaign hears of each; with more it hears of every
// tenth, of failures and of the end.
const tellEach = 20

// newsAfter reports whether the campaign should hear what has changed.
func (s PacketState) newsAfter(was PacketState) bool {
	a, b := s.Counts(), was.Counts()
	return s.Phase != was.Phase || a.Failed != b.Failed || a.Fixed != b.Fixed &&
		(a.ToFix <= tellEach || a.Fixed%10 == 0 || a.Fixed == a.ToFix)
}

// unsettled reports whether something is still to do: what is only somebody's word waits for
// another person or a fresh list; what failed, for a second look. A transfer is a request of its
// own.
func unsettled(f population.Fix) bool {
	return f.Action != population.FixTransfer && f.State != population.FixVerified
}

// fixed folds what an access workflow tells.
func (s PacketState) fixed(cmd workflows.Command) (workflows.Decision, error) {
	in := cmd.Input
	n, err := strconv.Atoi(in["row"])
	i := slices.IndexFunc(s.Fixes, func(f population.Fix) bool { return f.Row == n && f.Access == in["access_id"] })
	if err != nil || i < 0 || s.Fixes[i].State == population.FixVerified {
		return workflows.Decision{}, nil
	}
	fix := s.Fixes[i]
	if in["state"] == population.FixPending && fix.State != population.FixPending {
		return workflows.Decision{}, nil // an older word came later
	}
	was := fix
	fix.State, fix.Why = in["state"], in["why"]
	if in["how"] != "" {
		fix.How = in["how"]
	}
	if in["before"] != "" {
		fix.Before = in["before"]
	}
	fix.After = in["after"]
	if in["who"] != "" {
		fix.Who = in["who"]
	}
	if at, err := time.Parse(time.RFC3339, in["at"]); err == nil && fix.State != population.FixPending {
		fix.At = at
	}
	if !slices.Contains([]string{population.FixPending, population.FixDone, population.FixVerified,
		population.FixFailed}, fix.State) || fix == was {
		return workflows.Decision{}, nil
	}
	return s.settle(cmd, workflows.Decision{Events: []workflows.Event{cmd.Event(evFixed,
		s.fixes([]population.Fix{fix}, ""))}})
}

// fixes is the body of an event about remedies.
func (s PacketState) fixes(all []population.Fix, by string) fixes {
	rows := make([]int, len(all))
	for i, f := range all {
		rows[i] = f.Row
	}
	return fixes{Fixes: all, By: by, Emails: s.emails(rows)}
}

// confirm takes another person's word for everything that is only one person's word so far.
func (s PacketState) confirm(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var all []population.Fix
	own := false
	for _, fix := range s.Fixes {
		if fix.State != population.FixDone {
			continue
		}
		if fix.Who == cmd.Actor.ID || s.Rows[fix.Row-1].About(s.identity(f, cmd.Actor.ID)) {
			own = true
			continue
		}
		fix.State, fix.Verified = population.FixVerified, cmd.Actor.ID
		all = append(all, fix)
	}
	switch {
	case len(all) == 0 && own:
		others := slices.DeleteFunc(s.managers(), func(who string) bool { return who == cmd.Actor.ID })
		text := "What is left to confirm is your own word, or your own access, so another person has to confirm it"
		if len(others) > 0 {
			text += ": " + workflows.Mentions(others)
		}
		return workflows.Decision{}, workflows.Refuse("own_word",
			text+". A fresh list on the card of the review shows it as well. Nothing was recorded.")
	case len(all) == 0:
		return workflows.Decision{}, workflows.Refuse("nothing",
			"There is nothing to confirm just now. Nothing was recorded.")
	}
	d, err := s.settle(cmd, workflows.Decision{Events: []workflows.Event{cmd.Event(evFixed,
		s.fixes(all, cmd.Actor.ID))}})
	text := "Recorded: you confirm " + workflows.Plural(len(all), "change") + "."
	if own {
		text += " Not confirmed: what you said yourself, or what is about your own access. Another person has to."
	}
	d.Reply = workflows.Reply{Text: text}
	return d, err
}

// retry begins again what failed.
func (s PacketState) retry(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var all []population.Fix
	for _, fix := range s.Fixes {
		if fix.State == population.FixFailed {
			all = append(all, population.Fix{Row: fix.Row, Action: fix.Action, State: population.FixPending,
				Before: fix.Before, Due: fix.Due,
				Tries: fix.Tries + 1})
		}
	}
	if len(all) == 0 {
		return workflows.Decision{}, workflows.Refuse("nothing", "Nothing has failed just now. Nothing was recorded.")
	}
	calls := s.openFixes(cmd, f, all)
	d, err := s.settle(cmd, workflows.Decision{Events: []workflows.Event{cmd.Event(evFixed,
		s.fixes(all, cmd.Actor.ID))}, Calls: calls})
	d.Reply = workflows.Reply{Text: "Begun again: " + workflows.Plural(len(all), "change") + "."}
	return d, err
}

// seen compares what is only somebody's word with a fresh list of an environment: one "e-mail role" a line.
func (s PacketState) seen(cmd workflows.Command) (workflows.Decision, error) {
	roles := map[string]string{}
	for line := range strings.SplitSeq(cmd.Input["users"], "\n") {
		if email, role, ok := strings.Cut(line, " "); ok {
			roles[email] = role
		}
	}
	taken, err := time.Parse(time.RFC3339, cmd.Input["at"])
	if err != nil {
		taken = cmd.At
	}
	var all []population.Fix
	for _, f := range s.Fixes {
		r := s.Rows[f.Row-1]
		if f.State != population.FixDone || f.Action == population.FixRevoke ||
			r.Environment != cmd.Input["environment"] ||
			taken.Before(f.At.Truncate(time.Minute)) {
			continue // a list says nothing about what was done after it was taken
		}
		role, there := roles[r.Email]
		v := s.Verdicts[f.Row-1]
		if f.Action == population.FixRemove && !there || f.Action == population.FixChange && role == v.Role {
			f.State, f.Verified = population.FixVerified, cmd.Input["reading"]
		} else {
			f.State, f.Why = population.FixFailed, stillThere(f, r, role, there)
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		return workflows.Decision{}, nil
	}
	return s.settle(cmd, workflows.Decision{Events: []workflows.Event{cmd.Event(evFixed, s.fixes(all, ""))}})
}

// stillThere says what a fresh list shows instead of what somebody said was done.
func stillThere(f population.Fix, r population.Row, role string, there bool) string {
	text := workflows.Mention(f.Who) + " said it was done, but the list of " + r.EnvironmentName()
	if !there {
		return text + " does not show " + workflows.Esc(r.Email) + " at all"
	}
	return text + " still shows " + workflows.Esc(r.Email) + " with the role " +
		workflows.Esc(or(role, workflows.RoleNone))
}

// mailbox takes what is known of a shared mailbox by now.
func (s PacketState) mailbox(cmd workflows.Command) (workflows.Decision, error) {
	var m Mailbox
	if err := json.Unmarshal([]byte(cmd.Input["mailbox"]), &m); err != nil {
		return workflows.Decision{}, fmt.Errorf("decode a mailbox: %w", err)
	}
	if !slices.ContainsFunc(s.Rows, func(r population.Row) bool {
		return r.Master() && workflows.SameEmail(r.Email, m.Email)
	}) {
		return workflows.Decision{}, nil // it is in another part
	}
	return workflows.Decision{Events: []workflows.Event{cmd.Event(evMailbox, m)}}, nil
}

// tellCampaign tells the campaign how this packet stands.
func (s PacketState) tellCampaign() workflows.Call {
	p := Part{ID: s.ID, Reviewer: s.Reviewers[0], Counts: s.Counts(), Signed: s.Signed, Closed: !s.ClosedAt.IsZero(),
		Ended: s.Closed()}
	raw, err := json.Marshal(p)
	if err != nil {
		panic("review: a part cannot be encoded: " + err.Error())
	}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: s.Campaign, Command: packetMoved,
		Input: map[string]string{"part": string(raw)}}
}

// fixBy is until when what was decided about a row must be carried out.
func (s PacketState) fixBy(r population.Row, from time.Time) time.Time {
	within := s.Policy.FixWithin
	if r.Privileged {
		within = s.Policy.FixPrivilegedWithin
	}
	return worktime.HoursOf(s.Policy).Add(from, within)
}
