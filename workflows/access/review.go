package access

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Inputs of a request that a review has decided, besides those of the form; they count only when Keyholder itself opens it.
const (
	inReview   = "review"   // the campaign's ID
	inPacket   = "packet"   // the workflow that is told what came of it
	inRow      = "row"      // its row there
	inReviewer = "reviewer" // who decided
	inWas      = "was"      // [workflows.User.Mark] of what the reviewer saw
	inWasID    = "was_id"   // optional: the record's ID at integrator.io; another record of the same address is another access
	inUntil    = "until"    // RFC 3339: when it is to be done
)

// ReviewFixed is the command by which a packet is told what came of a row. Input: row, access_id, state (pending, done, verified, failed), how (acted,
// attested), who (whose word it is, for attested), before, after, at (RFC 3339), why.
const ReviewFixed = "review.fixed"

// waitAgain is how often a request that waits for another one, or for a token that works, looks again.
const waitAgain = 10 * time.Minute

// byReview reports whether a command opens what a review has decided.
func byReview(cmd workflows.Command) bool {
	return cmd.Actor.Kind == workflows.ByKeyholder && cmd.Input[inReview] != ""
}

// freezeReview adds what a review says of itself.
func freezeReview(fr *Frozen, cmd workflows.Command) {
	in := cmd.Input
	fr.Review, fr.Packet, fr.Row, fr.Was, fr.WasID = in[inReview], in[inPacket], in[inRow], in[inWas], in[inWasID]
	fr.Email, fr.Change, fr.Electorate = strings.ToLower(strings.TrimSpace(in[BlockEmail])), in[BlockChange], nil
	fr.Reason = cmp.Or(strings.TrimSpace(in[BlockReason]), "decided in the review")
	fr.Who.Record = fr.WasID
	if at, err := time.Parse(time.RFC3339, in[inUntil]); err == nil {
		fr.FixBy = at.UTC()
	}
}

// reviewed reads what a review decided: a role for the whole account, or a removal.
func reviewed(fr *Frozen, in map[string]string, f workflows.Facts) error {
	if in[BlockChange] != Change && in[BlockChange] != Remove {
		return workflows.RefuseField(BlockChange, "change_missing", "A review changes or removes.")
	}
	if in[BlockRole] == workflows.RoleCustom {
		return workflows.RefuseField(BlockRole, "role_missing", "A review gives administrator, manage or monitor.")
	}
	return change(fr, in, f)
}

// asWritten takes the reviewer's words as they are; a review has rows that need none.
func asWritten(*Frozen, map[string]string, workflows.Facts) error { return nil }

// waitUntil is until when a request waits for another one to end.
func (s State) waitUntil() time.Time {
	if s.FixBy.IsZero() {
		return s.Begun.Add(s.Policy.ConfirmWithin)
	}
	return s.FixBy
}

// openReviewed begins what a review decided, behind another request about the same access where there is one.
func openReviewed(cmd workflows.Command, f workflows.Facts, fr Frozen) workflows.Decision {
	d := one(cmd, evRequested, fr)
	s := State{Frozen: fr, Begun: cmd.At}
	if id := f.Account.Locks[fr.lock()]; id != "" {
		d.Events = append(d.Events, cmd.Event(evWaiting, waiting{On: id, Again: s.nextLook(cmd.At)}))
		return d
	}
	d.Account = s.locksTaken(cmd)
	d.Calls = []workflows.Call{s.readCall()}
	return d
}

// locks are what a request holds: its access, and where that is to go the word of it, for reviews.
func (s Frozen) locks() []string {
	if s.Change == Remove {
		return []string{s.lock(), workflows.OpenRemoval + workflows.GivenKey(s.Environment, s.Email)}
	}
	return []string{s.lock()}
}

func (s State) locksTaken(cmd workflows.Command) []workflows.Event {
	var out []workflows.Event
	for _, name := range s.locks() {
		out = append(out, cmd.Event(workflows.LockTaken, workflows.Lock{Name: name, Workflow: cmd.Workflow}))
	}
	return out
}

// nextLook is when to look again whether the other request is over: at the end of the waiting at the latest.
func (s State) nextLook(at time.Time) time.Time {
	next, end := at.Add(waitAgain), s.waitUntil()
	if end.After(at) && next.After(end) {
		next = end
	}
	return next
}

// tryAgain looks whether what a request waits for is over.
func (s State) tryAgain(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	d := one(cmd, evGoesOn, none{})
	d.Calls = []workflows.Call{s.readCall()}
	if s.Phase == Reading {
		return d
	}
	id := f.Account.Locks[s.lock()]
	switch {
	case id == "":
		d.Account = s.locksTaken(cmd)
		return d
	case cmd.At.Before(s.waitUntil()):
		return one(cmd, evWaiting, waiting{On: id, Again: s.nextLook(cmd.At)})
	}
	return s.end(cmd, Finished{Outcome: Failed, Code: "not_opened", Message: "another request was changing the same access all the time: " + id + ". Look at that one, then ask again."})
}

// sawThis reports whether what is there is what the reviewer saw. Whether an invitation was accepted meanwhile makes no difference.
func (s State) sawThis(u *workflows.User) bool {
	was := workflows.ReadMark(s.Was)
	switch {
	case was == nil || u == nil:
		return was == nil && u == nil
	case s.WasID != "" && u.ID != s.WasID:
		return false
	}
	return was.Access.Mark() == u.Access().Mark() && was.Disabled == u.Disabled
}

// nothingLeft says why nothing is left to do of what a review decided, "" when something is. Whoever is gone needs no other role.
func (s State) nothingLeft(u *workflows.User) string {
	switch {
	case u == nil:
		return s.Email + " is not a user of " + s.where() + " any more."
	case s.Change == Change && u.Access().Mark() == s.Want.Mark():
		return s.Email + " has exactly this access already."
	}
	return ""
}

// goOn carries out what a review decided once it is known what is there, or asks when that is not what the reviewer saw.
func (s State) goOn(cmd workflows.Command, u *workflows.User, words string) workflows.Decision {
	if s.ReadOK && !s.sawThis(u) {
		return s.askChanged(cmd, drifted{Mark: words, User: u, OK: true})
	}
	return s.do(cmd)
}

// askChanged asks those who look after access, where there is one who may answer.
func (s State) askChanged(cmd workflows.Command, b drifted) workflows.Decision {
	if s.Review != "" && len(s.able()) == 0 {
		return s.end(cmd, Finished{Outcome: Failed, Code: workflows.RefusedChanged})
	}
	return one(cmd, evDrifted, b)
}

// doers may say that they did it in the pages: those who look after access, and the reviewer; never whose access it is.
func (s State) doers() []string {
	if s.Review == "" || s.isSelf(s.Requester) {
		return s.able()
	}
	return workflows.Union(s.able(), []string{s.Requester})
}

// stoppers may cancel a request.
func (s State) stoppers() []string {
	if s.Review == "" {
		return workflows.Union(s.own(), s.managers())
	}
	return s.doers()
}

// milestone is what the packet of a review knows of this: pending, done, verified, failed; "" before it was opened.
func (s State) milestone() string {
	switch {
	case s.Review == "" || !s.Opened():
		return ""
	case s.End == nil:
		return "pending"
	case s.End.Outcome != Done:
		return "failed"
	case s.End.Code != "nothing" && s.How == workflows.Attested:
		return "done"
	}
	return "verified"
}

// fixed tells the packet of the milestone that a decision reached, ok false for none. As it is committed with the decision, it is told once.
func (s State) fixed(cmd workflows.Command, before State) (call workflows.Call, ok bool) {
	state := s.milestone()
	if state == before.milestone() || s.Packet == "" {
		return call, false
	}
	in := map[string]string{"row": s.Row, "access_id": s.ID, "state": state, "how": "", "before": shortly(workflows.ReadMark(s.Was), nil), "after": "", "at": cmd.At.UTC().Format(time.RFC3339), "why": "", "who": ""}
	if s.Before != nil {
		in["before"] = shortly(workflows.ReadMark(s.Before.Mark()), s.Names)
	}
	switch {
	case state == "failed":
		in["why"] = outcomeLine(s)
	case state == "pending":
	default:
		in["how"], in["after"] = workflows.Attested, "removed"
		in["who"] = s.Attested
		if s.How == workflows.Acted {
			in["how"], in["who"] = workflows.Acted, ""
		}
		if s.Change == Change && (s.End.Code != "nothing" || s.present()) {
			in["after"] = shortly(&workflows.Holding{Access: s.Want, Status: workflows.UserAccepted}, s.Names)
		}
	}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: s.Packet, Command: ReviewFixed, Input: in}, true
}

// present reports whether the person was a user when that was last read.
func (s State) present() bool {
	if s.There != nil && s.There.OK {
		return s.There.User != nil
	}
	return s.Before != nil
}

// shortly is an access in a word or two, for a table.
func shortly(h *workflows.Holding, names map[string]string) string {
	switch {
	case h == nil:
		return "no access"
	case h.Access.Role == workflows.RoleCustom:
		return workflows.Plain(h.Access.Describe(names), nil)
	}
	return h.Access.Role
}

// lateFor lists those who are reminded that it is late: whoever has a card. The others get theirs by it.
func (s State) lateFor() []string {
	return slices.DeleteFunc(s.doers(), func(who string) bool { return !workflows.Among(who, s.Told) })
}
