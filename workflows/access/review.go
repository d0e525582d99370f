package access

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Inputs of a request that a review has decided, besides those of the form; they count only when
// Keyholder itself opens it.
const (
	inReview   = "review"   // the campaign's ID
	inPacket   = "packet"   // the workflow that is told what came of it
	inRow      = "row"      // its row there
	inReviewer = "reviewer" // who decided
	inWas      = "was"      // [workflows.User.Mark] of what the reviewer saw
	// optional: the record's ID at integrator.io; another record of the same address is another access
	inWasID = "was_id"
	inUntil = "until" // RFC 3339: when it is to be done
)

// ReviewFixed is the command by which a packet is told what came of a row. Input: row, access_id,
// state (pending, done, verified, failed), how (acted, attested), who (whose word it is, for
// attested), before, after, at (RFC 3339), why.
const ReviewFixed = "review.fixed"

// Reviewed is what a review says of an access that it decided.
type Reviewed struct {
	ID     string `json:"id"`
	Packet string `json:"packet,omitempty"` // the workflow that is told
	Row    string `json:"row,omitempty"`
	// Was and WasID are the mark and the record's ID of what the reviewer saw.
	Was   string `json:"was,omitempty"`
	WasID string `json:"was_id,omitempty"`
	// FixBy is until when it is to be done; zero: any time.
	FixBy time.Time `json:"fix_by,omitzero"`
}

var evLate = kind[Notice]{
	Type: "access.late",
	Fold: func(s *State, _ workflows.Event, b Notice) {
		s.Late = &b
		s.Ask()
	},
	Tell: func(_ workflows.Event, b Notice) string { return workflows.Say("It was not done by %t.", b.Until) },
}

// byReview reports whether a command opens what a review has decided.
func byReview(cmd workflows.Command) bool {
	return cmd.Actor.Kind == workflows.ByKeyholder && cmd.Input[inReview] != ""
}

// freezeReview adds what a review says of itself.
func freezeReview(fr *Frozen, cmd workflows.Command) {
	in := cmd.Input
	fr.Review = &Reviewed{ID: in[inReview], Packet: in[inPacket], Row: in[inRow], Was: in[inWas], WasID: in[inWasID]}
	fr.Email, fr.Change, fr.Electorate = strings.ToLower(strings.TrimSpace(in[BlockEmail])), in[BlockChange], nil
	fr.Reason = cmp.Or(strings.TrimSpace(in[BlockReason]), "decided in the review")
	fr.Who.Record = fr.Review.WasID
	if at, err := time.Parse(time.RFC3339, in[inUntil]); err == nil {
		fr.Review.FixBy = at.UTC()
	}
}

// inReviewForm reads what a review decided: a role for the whole account, or a removal.
func inReviewForm(fr *Frozen, in map[string]string, f workflows.Facts) error {
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

// openReviewed begins what a review decided, behind another request about the same access where there
// is one.
func openReviewed(cmd workflows.Command, f workflows.Facts, fr Frozen) workflows.Decision {
	d, s := opening(cmd, f, fr)
	if id := f.Account.Locks[fr.lock()]; id != "" {
		again := s.nextLook(cmd.At)
		if call, overtakes := fr.overtakes(cmd, f, id); overtakes {
			d.Calls, again = append(d.Calls, call), cmd.At.Add(soonAgain)
		}
		d.Events = append(d.Events, evWaiting.Of(cmd, waiting{On: id, Again: again}))
		return d
	}
	d.Account = fr.locksTaken(cmd)
	d.Calls = []workflows.Call{s.readCall()}
	return d
}

// reviewed is the way of what a review has decided: it needs no vote, and touches only the access
// that the reviewer saw.
type reviewed struct{}

func (reviewed) does(s State, _ Read) string { return s.Change }

// nothing: whoever is gone needs no other role.
func (reviewed) nothing(s State, u *workflows.User) string {
	switch {
	case u == nil:
		return s.Email + " is not a user of " + s.where() + " any more."
	case s.Change == Change && u.Access().Mark() == s.Want.Mark():
		return s.Email + " has exactly this access already."
	}
	return ""
}

// next carries it out, or asks when that is not what the reviewer saw.
func (reviewed) next(s State, cmd workflows.Command, _ workflows.Facts) workflows.Decision {
	if s.Read.OK && !s.sawThis(s.Read.User) {
		return s.askChanged(cmd, drifted{User: s.Read.User, OK: true})
	}
	return s.do(cmd)
}

// sawThis reports whether what is there is what the reviewer saw. Whether an invitation was accepted
// meanwhile makes no difference.
func (s State) sawThis(u *workflows.User) bool {
	was := workflows.ReadMark(s.Review.Was)
	switch {
	case was == nil || u == nil:
		return was == nil && u == nil
	case s.Review.WasID != "" && u.ID != s.Review.WasID:
		return false
	}
	return was.Access.Mark() == u.Access().Mark() && was.Disabled == u.Disabled
}

// until: it goes on after that.
func (reviewed) until(s State, _ time.Time) time.Time { return s.Review.FixBy }

func (reviewed) byWhen(s State) string {
	by := s.Review.FixBy
	switch {
	case by.IsZero():
		return "It stays open until it is done."
	case s.Late != nil:
		return workflows.Say("It was due %t, and stays open until it is done.", by)
	}
	return workflows.Say("The review asks for it by %t.", by)
}

// doers are those who look after access, and the reviewer; never whose access it is.
func (reviewed) doers(s State) []string {
	if s.isSelf(s.Requester) {
		return s.able()
	}
	return workflows.Union(s.able(), []string{s.Requester})
}

func (w reviewed) stoppers(s State) []string { return w.doers(s) }

func (w reviewed) stopWords(s State) string {
	return workflows.Say("Only %m can cancel what a review decided.", w.stoppers(s))
}

// audience are those who must act on it, and, once it is late, those who may. Nobody else asked for a
// card.
func (w reviewed) audience(s State) []string {
	switch {
	case s.Closed():
		return nil
	case s.Changed.Asks:
		return s.able()
	case s.Hand.Manual, s.Late != nil:
		return w.doers(s)
	}
	return nil
}

// adopted: what the review decided is not done.
func (reviewed) adopted() string { return Cancelled }

func (reviewed) asked(s State) string {
	return workflows.Say("Decided in the review %s, by %m, %t. Reason: %q", s.Review.ID, s.Requester, s.Begun, s.Reason)
}

// lateFor lists those who are reminded that it is late: whoever has a card. The others get theirs by
// it.
func (s State) lateFor() []string {
	return slices.DeleteFunc(s.way().doers(s), func(who string) bool { return !workflows.Among(who, s.Told) })
}

// lateCards are the reminders of that.
func (s State) lateCards() []workflows.Card {
	if s.Late == nil {
		return nil
	}
	return s.replies("late", s.Late.To, workflows.Say("! Late: %s. The review asked for it by %t.", s.Title(),
		s.Late.Until))
}

// milestone is what the packet of a review knows of this: pending, done, verified, failed; "" before
// it was opened.
func (s State) milestone() string {
	switch {
	case s.Review == nil || !s.Opened():
		return ""
	case s.End == nil:
		return "pending"
	case s.End.Outcome != Done:
		return "failed"
	case s.End.Code != codeNothing && s.Written.How == workflows.Attested:
		return "done"
	}
	return "verified"
}

// tellPacket adds to a decision that the packet is told of the milestone which it reached. As it is
// committed with the decision, it is told once.
func tellPacket(s State, cmd workflows.Command, d workflows.Decision) (workflows.Decision, error) {
	if len(d.Events) == 0 || s.Review == nil && !byReview(cmd) {
		return d, nil
	}
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	if next.milestone() != s.milestone() && next.Review.Packet != "" {
		d.Calls = append(d.Calls, next.fixed(cmd))
	}
	return d, nil
}

// fixed tells the packet how it stands.
func (s State) fixed(cmd workflows.Command) workflows.Call {
	in := map[string]string{
		"row": s.Review.Row, "access_id": s.ID, "state": s.milestone(), "at": cmd.At.UTC().Format(time.RFC3339),
		"before": shortly(workflows.ReadMark(s.Review.Was), nil), "how": "", "after": "", "why": "", "who": "",
	}
	if s.Read.User != nil {
		in["before"] = shortly(workflows.ReadMark(s.Read.User.Mark()), s.Read.Names)
	}
	switch s.milestone() {
	case "failed":
		in["why"] = outcomeLine(s)
	case "pending":
	default:
		in["how"], in["after"], in["who"] = workflows.Attested, "removed", s.Hand.Attested
		if s.Written.How == workflows.Acted {
			in["how"], in["who"] = workflows.Acted, ""
		}
		if s.Change == Change && (s.End.Code != codeNothing || s.present()) {
			in["after"] = shortly(&workflows.Holding{Access: s.Want, Status: workflows.UserAccepted}, s.Read.Names)
		}
	}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: s.Review.Packet, Command: ReviewFixed,
		Input: in}
}

// present reports whether the person was a user when that was last read.
func (s State) present() bool {
	if is := s.Changed.There; is != nil && is.OK {
		return is.User != nil
	}
	return s.Read.User != nil
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
