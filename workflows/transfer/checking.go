package transfer

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// received decides the receipt of a call. A receipt that the state no longer waits for changes
// nothing.
func received(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Closed() {
		return workflows.Decision{}, nil
	}
	r := *cmd.Receipt
	switch r.Op {
	case workflows.OpInspect:
		return inspected(s, cmd, f, r)
	case workflows.OpInviteUser, workflows.OpWatchUser:
		return userReceipt(s, cmd, r)
	case workflows.OpInviteOwner:
		return ownerInvited(s, cmd, r)
	case workflows.OpWatchTransfer:
		return watched(s, cmd, r)
	case workflows.OpWithdraw:
		return withdrawn(s, cmd, r)
	case workflows.OpRemoveAccess:
		return tookBack(s, cmd, r)
	case workflows.OpSetRole, workflows.OpRemoveUser:
		return roleReceipt(s, cmd, r)
	}
	return workflows.Decision{}, nil
}

// inspected decides a reading of the account.
func inspected(s State, cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	if s.Stage == Settling {
		return probedAgain(s, cmd, r)
	}
	if s.Ending != nil || s.Stage == Accepting {
		return workflows.Decision{}, nil
	}
	if !r.OK || r.Reading == nil {
		return unreadable(s, cmd, r)
	}
	reading := *r.Reading
	if cmd.At.Sub(reading.At) > workflows.FactsMaxAge {
		// Too old to decide: read again.
		if s.Reading {
			return s.again(cmd), nil
		}
		return workflows.Decision{}, nil
	}
	s.Reading = s.Reading || s.Unread != "" // the answer that was waited for, at last
	checks := append(inspect(s, reading), checkProven(s, f.Account.Key)...)
	if !s.Reading && same(checks, s.Checks) && reading.Mark() == s.Mark {
		return workflows.Decision{}, nil
	}
	if s.doubts(reading.Mark(), checks) {
		return evDoubted.One(cmd, seen{Mark: reading.Mark()}), nil
	}
	ev := evChecked.Of(cmd, checked{Checks: checks, Caps: reading.Capabilities, Mark: reading.Mark(),
		Seen: transferIDs(reading), Off: off(reading),
		UserID: reading.UserID, Target: reading.Target.Ref(), At: reading.At, Waived: s.waivedKeys(),
		New: !same(checks, s.Checks)})
	next, err := kinds.Apply(s, ev)
	if err != nil {
		return workflows.Decision{}, err
	}
	d, err := next.afterReading(s, cmd, f, reading)
	d.Events = append([]workflows.Event{ev}, d.Events...)
	return d, err
}

// doubts reports whether a reading would void votes or stop the invitation and was not seen twice
// yet: a single answer may be an old one.
func (s State) doubts(mark string, checks []Check) bool {
	switch s.Stage {
	case Confirming, Cooling, Inviting:
		return s.Doubt != mark && len(worse(s.Checks, checks)) > 0
	}
	return false
}

// afterReading goes on once the checks are known. before is the state without them.
func (s State) afterReading(before State, cmd workflows.Command, f workflows.Facts,
	r workflows.Reading) (workflows.Decision, error) {
	switch s.Stage {
	case Preparing:
		return s.lookedAgain(cmd, r)
	case Checking:
		if needsInvitation(r) {
			if s.ToPerson == "" {
				return s.prepare(cmd, r)
			}
		}
		if len(s.blocking(s.Checks)) > 0 {
			return workflows.Decision{}, nil
		}
		return s.ask(cmd, f, nil)
	case Confirming:
		if diff := worse(before.Checks, s.Checks); len(diff) > 0 {
			return s.void(cmd, f, diff, nil)
		}
	case Cooling:
		if s.Cooled && (before.Reading || s.Paused) {
			return s.beforeActing(before, cmd, f, r)
		}
		if diff := worse(before.Checks, s.Checks); len(diff) > 0 {
			return s.void(cmd, f, diff, nil)
		}
	case Inviting:
		if (before.Reading || s.Paused) && s.Invite.Code == "" && !s.Invite.Sending && !s.Invite.Manual {
			return s.beforeActing(before, cmd, f, r)
		}
	}
	return workflows.Decision{}, nil
}

// unreadable decides a reading that failed. What integrator.io refused, as with a token that was
// revoked, is tried again until it can be read or the stage's time is over; when it was away for a
// day, the transfer ends.
func unreadable(s State, cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	switch {
	case r.Failed && s.Reading:
		return s.end(cmd, Ended{Outcome: Failed, Code: r.Code, Message: workflows.Say("integrator.io could "+
			"not be read for %l", workflows.GiveUpAfter)}), nil
	case r.Refused && (s.Reading || s.Unread != "" && s.Unread != r.Code):
		return evUnread.One(cmd, refusal{Code: r.Code, Message: r.Message}), nil
	}
	return workflows.Decision{}, nil
}

// rereads reports whether the account could not be read and is tried again.
func (s State) rereads() bool {
	switch s.Stage {
	case Checking, Confirming, Cooling, Inviting:
		return s.Unread != "" && s.Ending == nil
	}
	return false
}

func transferIDs(r workflows.Reading) []string {
	var out []string
	for _, t := range r.Transfers {
		out = append(out, t.ID)
	}
	return out
}

// recheck reads the account again.
func recheck(s State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, []string{s.Requester}, s.Holders) {
		return workflows.Decision{}, refused("not_permitted", workflows.Say("Only %m, who asked, and the "+
			"holders can check again. Nothing was recorded.", s.Requester))
	}
	switch s.Stage {
	case Checking, Confirming, Inviting, Preparing:
	case Cooling:
		if !s.Cooled && !s.rereads() {
			return workflows.Decision{}, refused("not_now", workflows.Say("The checks run again by themselves "+
				"when the time to stop it is over, on %t. Nothing was recorded. To stop the transfer, press "+
				"Cancel transfer.", s.Until))
		}
	default:
		return workflows.Decision{}, refused("not_now", "There is nothing to check any more. Nothing was recorded. "+
			stageLine(s))
	}
	if s.Prep.Sending {
		return workflows.Decision{Reply: workflows.Reply{Text: "Keyholder is inviting " + s.To +
			" just now. Your card changes when integrator.io has answered."}}, nil
	}
	if s.Reading {
		return workflows.Decision{Reply: workflows.Reply{
			Text: "The checks are running already. Your card changes when they are done."}}, nil
	}
	if s.Stage == Inviting && (s.Invite.Sending || s.Invite.Manual) {
		return workflows.Decision{}, refused("not_now", "There is nothing to check now. Nothing was recorded. "+
			stageLine(s))
	}
	return s.again(cmd), nil
}

// again reads the account again; while the target has no invitation as a user, it is invited again
// instead.
func (s State) again(cmd workflows.Command) workflows.Decision {
	d := evRecheck.One(cmd, workflows.None{})
	d.Calls = []workflows.Call{inspectCall(s.AccountID, s.Frozen, s.Target)}
	if calls := s.inviteUserCalls(); s.Stage == Preparing && len(calls) > 0 {
		d.Calls = calls
	}
	return d
}

// held reports whether a check is in the way of the next step, so that it has to be mended or
// waived.
func (s State) held() bool {
	switch s.Stage {
	case Checking, Confirming:
		return !s.Reading && len(s.blocking(s.Checks)) > 0
	case Cooling, Inviting:
		return s.Paused && !s.Reading
	}
	return false
}

// waive lets the checks that block and can be waived be as they are.
func waive(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.Holders) {
		return workflows.Decision{}, refused("not_permitted", "Only a holder of the shared mailbox can waive a check: "+
			whoCan(s.Holders)+". Nothing was recorded.")
	}
	if s.Stage == Finishing {
		return s.waivePoints(cmd)
	}
	open := s.waivable()
	if len(open) == 0 || !s.held() {
		return workflows.Decision{}, refused("nothing_to_waive",
			"No check is in the way that could be waived. Nothing was recorded. "+stageLine(s))
	}
	var keys, texts []string
	for _, c := range open {
		keys = append(keys, c.Key)
		texts = append(texts, "✗ "+c.Text)
	}
	why, modal := askWhy(s, cmd, "Waive", "Go on although this stands?", texts, true)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if why == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing",
			"Please say why this may be waived; the auditors read it.")
	}
	d := evWaived.One(cmd, waived{Checks: keys, Reason: why})
	next, err := kinds.Apply(s, d.Events...)
	if err != nil || len(next.blocking(next.Checks)) > 0 {
		return d, err
	}
	if s.Stage == Confirming {
		return d, nil
	}
	if s.Stage == Cooling || s.Stage == Inviting {
		// The facts may have moved while somebody thought about the waiver: read once more before
		// acting.
		d.Events = append(d.Events, evRecheck.Of(cmd, workflows.None{}))
		d.Calls = []workflows.Call{inspectCall(s.AccountID, s.Frozen, s.Target)}
		return d, nil
	}
	more, err := next.ask(cmd, f, nil)
	d.Events = append(d.Events, more.Events...)
	d.Account = append(d.Account, more.Account...)
	return d, err
}

type checked struct {
	Checks []Check                `json:"checks"`
	Caps   workflows.Capabilities `json:"caps"`
	Mark   string                 `json:"mark"`
	Seen   []string               `json:"seen,omitempty"`
	Off    []string               `json:"off,omitempty"`
	UserID string                 `json:"user_id,omitempty"`
	Target workflows.UserRef      `json:"target,omitzero"`
	At     time.Time              `json:"at"`
	Waived []string               `json:"waived,omitempty"` // keys of checks that were waived before
	// New is true when people see something else than before: the round grows.
	New bool `json:"new,omitempty"`
}

type seen struct {
	Mark   string `json:"mark"`
	Status string `json:"status,omitempty"`
	ID     string `json:"id,omitempty"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Manual  bool   `json:"manual,omitempty"`
}

type waived struct {
	Checks []string `json:"checks"`
	Reason string   `json:"reason"`
}

var evSlow = workflows.Kind[State, workflows.None]{
	Type: "transfer.slow",
	Fold: func(s *State, e workflows.Event, _ workflows.None) { s.Slow = true },
	Tell: workflows.Told[workflows.None]("integrator.io had not answered yet; Keyholder went on asking."),
}

var evChecked = workflows.Kind[State, checked]{
	Type: "transfer.checked",
	Fold: func(s *State, e workflows.Event, b checked) {
		s.sawTarget(b.Target)
		s.Checks, s.Caps, s.Mark, s.Seen, s.Off, s.UserID, s.CheckedAt = b.Checks, b.Caps, b.Mark, b.Seen, b.Off,
			b.UserID, b.At
		s.Reading, s.Slow, s.Doubt, s.Unread = false, false, "", ""
		if b.New {
			s.Round++
		}
	},
	Tell: func(e workflows.Event, b checked) string { return "The account was checked" + findings(b) },
}

var evDoubted = workflows.Kind[State, seen]{
	Type: "transfer.doubted",
	Fold: func(s *State, e workflows.Event, b seen) {
		s.Doubt, s.DoubtAt, s.Reading, s.Slow = b.Mark, e.At, false, false
	},
	Tell: workflows.Told[seen]("A check got worse; the account is read once more before that decides."),
}

var evRecheck = workflows.Kind[State, workflows.None]{
	Type: "transfer.recheck_asked",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.Invite.Code, s.Invite.Message = "", ""
		if s.Stage == Preparing && len(s.inviteUserCalls()) > 0 {
			s.Prep.Sending, s.Prep.Gone = true, false
			s.Round++
			return
		}
		s.read(e)
	},
	Tell: func(e workflows.Event, _ workflows.None) string {
		if e.By.Kind == workflows.ByTimer {
			return "The account was read once more."
		}
		return "The checks were asked for again" + whose(e.By) + "."
	},
}

var evUnread = workflows.Kind[State, refusal]{
	Type: "transfer.unread",
	Fold: func(s *State, e workflows.Event, b refusal) {
		s.Unread, s.Reading, s.Slow = b.Code, false, false
		s.Round++
	},
	Tell: func(e workflows.Event, b refusal) string {
		return workflows.Say("The account could not be read (%s)%s; Keyholder goes on trying.", b.Code,
			workflows.Text(workflows.Quoted(b.Message)))
	},
}

var evWaived = workflows.Kind[State, waived]{
	Type: "transfer.waived",
	Fold: func(s *State, e workflows.Event, b waived) {
		for _, c := range b.Checks {
			s.Waivers = append(s.Waivers, Waiver{Check: c, By: e.By.ID, Reason: b.Reason, At: e.At})
		}
		s.Round++
	},
	Tell: func(e workflows.Event, b waived) string {
		var names []string
		for _, key := range b.Checks {
			names = append(names, checkNames[key])
		}
		return workflows.Say("%m waived %s: %q.", e.By.ID, workflows.Text(workflows.List(names, "and")), b.Reason)
	},
}

// checkingStage looks at the account; while something is in the way, people mend it, wait, or waive
// it.
type checkingStage struct{ plain }

func (checkingStage) now(s State) string {
	if s.rereads() {
		return "The account cannot be read at integrator.io just now."
	}
	if s.held() {
		return "A check is in the way."
	}
	return "The account is being checked."
}

func (checkingStage) notify(s State, _ string) string {
	if s.rereads() {
		return "Handing " + s.what() + ": the account cannot be read at integrator.io"
	}
	if s.held() {
		return "Something is in the way of handing " + s.what()
	}
	return "Handing " + s.what() + ": the account is being checked"
}

func (checkingStage) lines(s State, _ string) []string {
	switch {
	case s.rereads():
		return []string{s.unreadLine()}
	case s.Reading && s.Slow:
		return []string{workflows.Say("! integrator.io has not answered yet. Nothing is lost: Keyholder goes "+
			"on asking, until %u.", s.asksUntil())}
	case s.Reading:
		return []string{"… The account is being checked at integrator.io. Then the approvers are asked."}
	}
	line := "! Something is in the way; nobody is asked to confirm before it is mended. Mend it and press Check again" +
		s.alsoLooks() + "."
	if len(s.waivable()) > 0 {
		line += " A holder may waive it with a reason."
	}
	line += workflows.Say(" Without that, this ends %u.", s.Until)
	return append(notes(s), line)
}

func (checkingStage) facts(s State, who string) []string { return s.checkLines(who) }

func (checkingStage) buttons(s State, who string) []workflows.Button {
	return append(s.checkButtons(who), s.cancelButton(who)...)
}

func (checkingStage) late() string { return "What was in the way was not mended in time." }

// asksUntil is when Keyholder gives a reading up, or the stage ends.
func (s State) asksUntil() time.Time {
	if end := s.ReadingSince.Add(workflows.GiveUpAfter); end.Before(s.Until) {
		return end
	}
	return s.Until
}

// alsoLooks says that Keyholder watches, where it can.
func (s State) alsoLooks() string {
	if len(s.watches()) == 0 {
		return ""
	}
	return "; Keyholder also looks by itself"
}

// unreadLine says that the account could not be read, what mends it, and that it is tried again.
func (s State) unreadLine() string {
	why := "integrator.io refused to be read"
	mend := "Whoever runs Keyholder has to look at that"
	switch s.Unread {
	case workflows.RefusedUnauthorized:
		why, mend = "integrator.io does not accept Keyholder's token: it is wrong, revoked or expired",
			"Whoever runs Keyholder has to replace it"
	case workflows.RefusedForbidden:
		why, mend = "integrator.io does not let Keyholder's token read the account",
			"Whoever runs Keyholder has to give it that right"
	}
	line := "! The checks could not be made: " + why + ". Nothing is lost. " + mend +
		"; Keyholder tries again by itself, and Check again tries at once."
	if s.Stage != Confirming {
		line += workflows.Say(" Without that, this ends %u.", s.Until)
	}
	return line
}
