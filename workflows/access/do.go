package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// received decides the receipt of a call. A receipt that the state no longer waits for changes nothing.
func received(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if s.Closed() {
		return workflows.Decision{}, nil
	}
	r := *cmd.Receipt
	if r.Effect != "" && r.Effect == s.Answered {
		return workflows.Decision{}, nil // this very call has answered before
	}
	if u := r.User; r.OK && u == nil && r.Access != nil {
		r.User = r.Access.User
	}
	d := s.renamedTo(cmd, r.User)
	if len(d.Events) > 0 {
		next, err := fold(s, d.Events)
		if err != nil {
			return d, err
		}
		s = next
	}
	more, err := s.answer(cmd, f, r)
	return joined(d, more), err
}

// renamedTo notes that the user has another address by now.
func (s State) renamedTo(cmd workflows.Command, u *workflows.User) workflows.Decision {
	if u == nil || u.Email == "" || workflows.SameEmail(u.Email, s.address()) {
		return workflows.Decision{}
	}
	return one(cmd, evRenamed, renamed{From: s.address(), To: u.Email})
}

// answer takes what integrator.io answered to one call.
func (s State) answer(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	switch {
	case r.Op == workflows.OpReadAccess && s.Phase == Reading:
		return s.wasRead(cmd, f, r)
	case r.Op == workflows.OpReadAccess && s.Looking:
		return s.wasLookedAt(cmd, r), nil
	case r.Op == workflows.OpReadAccess:
		return s.wasChecked(cmd, f, r), nil
	case s.Checks || s.Looking:
		return workflows.Decision{}, nil
	case r.Op == workflows.OpReinvite:
		return s.wasResent(cmd, r), nil
	case r.Op == workflows.OpWatchUser && s.Manual && s.Phase != Pending:
		return s.doneUnsaid(cmd, f, r), nil
	case r.Op == workflows.OpWatchUser && s.Phase == Pending:
		return s.invitationSeen(cmd, r)
	case s.Phase == Doing && s.InFlight && (r.Op == workflows.OpGrant || r.Op == workflows.OpChangeAccess || r.Op == workflows.OpRemoveAccess):
		return s.wasWritten(cmd, f, r)
	case s.Phase == Restoring && s.InFlight:
		return s.wasRestored(cmd, f, r)
	}
	return workflows.Decision{}, nil
}

// answered names the call whose receipt a command is, "" for none.
func answered(cmd workflows.Command) string {
	if cmd.Receipt == nil {
		return ""
	}
	return cmd.Receipt.Effect
}

// wasRead compares what is with what is wanted, and asks.
func (s State) wasRead(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	ev := read{Does: s.Change}
	switch {
	case r.OK && r.Access != nil:
		a := r.Access
		if cmd.At.Sub(a.At) > workflows.FactsMaxAge {
			return workflows.Decision{Events: []workflows.Event{cmd.Event(evSlow, none{})}, Calls: []workflows.Call{s.readCall()}}, nil
		}
		ev.User, ev.SSO, ev.Caps, ev.Unread = a.User, a.SSOEnabled, a.Capabilities, a.Unread[workflows.PartUsers]
		ev.OK = ev.Unread == "" && a.Capabilities.Token != workflows.No
		// An empty list proves nothing, but an invitation can be tried: integrator.io itself refuses it to a token without rights.
		ev.Empty = !ev.OK && a.User == nil && a.Capabilities.Token == workflows.Yes && a.Capabilities.ReadUsers == workflows.Unknown && s.Change != Remove
		ev.Names = map[string]string{}
		for _, n := range a.Integrations {
			if workflows.Among(n.ID, s.Want.Manage, s.Want.Monitor) || a.User != nil && workflows.Among(n.ID, a.User.Manage, a.User.Monitor) {
				ev.Names[n.ID] = n.Name
			}
		}
	case r.Failed:
		return s.end(cmd, Finished{Outcome: Failed, Code: r.Code}), nil
	case r.Code == workflows.RefusedUnauthorized && !s.Urgent && s.Late == nil: // a token can be replaced; what is urgent or late is handed to people
		return one(cmd, evAway, waiting{Code: r.Code, Again: cmd.At.Add(waitAgain)}), nil
	default:
		ev.Unread = r.Code
	}
	if ev.OK || ev.Empty && s.Review == "" {
		ev.Does = s.does(ev.User)
	}
	key, _, _ := f.Account.GivenOf(s.Environment, s.address(), ev.User.Ref())
	if holder := f.Account.Locks["access/"+key]; holder != "" && holder != s.ID { // the same user, asked for under another address
		return s.end(cmd, Finished{Outcome: Failed, Code: "not_opened",
			Message: "another request is changing the access of the same user: " + holder + ". Look at that one, then ask again."}), nil
	}
	ev.Key = key
	s.Who = ev.User.Ref()
	ev.Former, ev.Timed = s.formerly(ev, s.record(f)), len(s.record(f).Running) > 0
	d := one(cmd, evRead, ev)
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	if text := next.nothingToDo(); text != "" {
		return joined(d, next.endAsItIs(cmd, text, ev.User)), nil
	}
	if s.Review != "" {
		return joined(d, next.goOn(cmd, ev.User, "")), nil
	}
	more, err := next.ask(cmd, f)
	return joined(d, more), err
}

// joined is two decisions one after the other.
func joined(d, more workflows.Decision) workflows.Decision {
	d.Events, d.Account, d.Calls = append(d.Events, more.Events...), append(d.Account, more.Account...), append(d.Calls, more.Calls...)
	return d
}

func (s State) readCall() workflows.Call {
	return workflows.Call{Op: workflows.OpReadAccess, Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who,
		ByAddress: s.Review == "" && (s.Phase == "" || s.Phase == Reading)} // a person typed it
}

// does is the kind of change that reaches what is wanted from what is.
func (s State) does(u *workflows.User) string {
	switch {
	case s.Change == Remove:
		return Remove
	case s.Review != "":
		return Change
	case u == nil || u.Status == workflows.UserDismissed:
		return Grant
	}
	return Change
}

// nothingToDo says why there is nothing to do, "" when there is.
func (s State) nothingToDo() string {
	switch {
	case !s.ReadOK:
		return ""
	case s.Review != "":
		return s.nothingLeft(s.Before)
	case s.Does == Remove && s.Before == nil:
		return s.Email + " is not a user of " + s.where() + "."
	case s.Does == Change && !s.Timed && !s.Before.Disabled && s.Before.Access().Mark() == s.Want.Mark():
		return s.Email + " has exactly this access already."
	}
	return ""
}

// endAsItIs ends what there is nothing to do for. What a review decided explains what is there, whoever did it.
func (s State) endAsItIs(cmd workflows.Command, text string, u *workflows.User) workflows.Decision {
	d := s.end(cmd, Finished{Outcome: Done, Code: "nothing", Message: text})
	if s.Review != "" {
		mark := ""
		if u != nil {
			mark = u.Access().Mark()
		}
		d.Account = append(d.Account, s.given(cmd, mark))
	}
	return d
}

// ask opens the question; urgent access is given meanwhile.
func (s State) ask(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if who := s.left(f); who != "" {
		return s.endLeft(cmd, f, who), nil
	}
	if text := s.takesAway(); text != "" {
		return s.end(cmd, Finished{Outcome: Failed, Code: "urgent_takes", Message: text}), nil
	}
	b := s.barring(s.Ballot, f)
	b.Opens, b.Closes = cmd.At, s.latest(cmd.At, s.Policy.ConfirmWithin)
	t := b.Judge(eligible(s, f), f.Delegations, cmd.At)
	if !t.Winnable && !s.Urgent {
		return s.end(cmd, Finished{Outcome: Failed, Code: "dead_end"}), nil
	}
	d := one(cmd, evAsking, asking{Closes: b.Closes, Asked: t.Waiting, Bars: s.newBars(f), Again: standInsEnd(b, f, cmd.At)})
	if s.Urgent {
		more := s.do(cmd)
		d.Events, d.Calls = append(d.Events, more.Events...), more.Calls
	}
	return d, nil
}

// tries reports whether an invitation is sent although the list of users was empty.
func (s State) tries() bool { return s.Empty && s.Does == Grant }

// latest is a time after another, or the end of an urgent access, which is counted from when it was asked for, whatever comes first.
func (s State) latest(at time.Time, within time.Duration) time.Time {
	at = at.Add(within)
	if end := s.Begun.Add(s.Length); s.Urgent && end.Before(at) {
		return end
	}
	return at
}

// takesAway says why a change may not be made urgently, "" when it may: urgent only adds.
func (s State) takesAway() string {
	switch {
	case !s.Urgent || s.Does != Change:
		return ""
	case !s.ReadOK:
		return "What " + s.Email + " has now cannot be read (" + workflows.WhyUnread(s.Unread) + "), so nobody can see that this only adds to it. " +
			"Urgent only adds. Ask without urgent; then the approvers decide first."
	case !covers(s.Want, s.Before.Access()):
		return s.Email + " has " + s.Before.Access().Brief(s.Names) + ", and " + s.Want.Brief(s.Names) + " would take something of that away. " +
			"Urgent only adds. Ask without urgent; then the approvers decide first."
	}
	return ""
}

// do carries the change out, or hands its steps to a person where no token can.
func (s State) do(cmd workflows.Command) workflows.Decision {
	// What cannot be read cannot be changed safely, nor restored.
	manual := s.byHand() || !s.ReadOK && !s.tries() || s.Caps.ChangeUsers == workflows.No
	until := s.latest(cmd.At, s.Policy.ConfirmWithin)
	if s.Review != "" {
		until = s.FixBy // it goes on after that
	}
	d := one(cmd, evDoing, doing{Until: until, Manual: manual})
	if manual {
		return d
	}
	call := workflows.Call{Account: s.AccountID, Environment: s.Environment, Email: s.address(), Who: s.Who}
	is := s.Before
	if s.There != nil { // somebody said to do it all the same
		is = s.There.User
	}
	switch s.Does {
	case Grant:
		call.Op, call.Access = workflows.OpGrant, &s.Want
	case Change:
		call.Op, call.Access, call.Known = workflows.OpChangeAccess, &s.Want, is.Access().Mark()
	default:
		call.Op = workflows.OpRemoveAccess
		if is != nil {
			call.Known = is.Access().Mark()
		}
	}
	d.Calls = []workflows.Call{call}
	if s.Does == Grant && s.Before != nil { // a declined invitation is in the way of one with another access
		d.Calls = []workflows.Call{s.withdrawCall(), call}
	}
	return d
}

// wasWritten decides integrator.io's answer to the change.
func (s State) wasWritten(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) (workflows.Decision, error) {
	switch {
	case r.OK && s.Does != Remove && r.User != nil && r.User.Disabled && r.User.Status != workflows.UserPending && s.Review == "":
		return one(cmd, evRefused, refusal{Code: codeSwitchOn, Manual: true}), nil
	case r.OK:
		return s.carriedOutOrStopped(cmd, f, r.User)
	case s.Review != "" && (r.Code == workflows.RefusedChanged || r.Code == workflows.RefusedNotUser):
		return s.lookAt(cmd, f, r), nil
	case r.Failed:
		return s.end(cmd, Finished{Outcome: Failed, Code: r.Code, Message: r.Message}), nil
	case r.Code == workflows.RefusedForbidden || r.Code == workflows.RefusedUnauthorized || r.Code == workflows.RefusedNoToken:
		return one(cmd, evRefused, refusal{Code: r.Code, Message: r.Message, Manual: true}), nil
	}
	return s.end(cmd, Finished{Outcome: Failed, Code: r.Code, Message: r.Message}), nil
}

// carriedOutOrStopped ends at once what was refused while it was on its way.
func (s State) carriedOutOrStopped(cmd workflows.Command, f workflows.Facts, u *workflows.User) (workflows.Decision, error) {
	d := s.carriedOut(cmd, u, workflows.Acted)
	if s.StopWhy == "" {
		return d, nil
	}
	next, err := fold(s, d.Events)
	if err != nil || next.Closed() {
		return d, err
	}
	more := next.stop(cmd, afterwards(f, d.Account), s.StopWhy)
	d.Events, d.Account, d.Calls = append(d.Events, more.Events...), append(d.Account, more.Account...), append(d.Calls, more.Calls...)
	return d, nil
}

// carriedOut goes on after the write: wait for an invitation to be accepted, begin the time-box, or be done.
func (s State) carriedOut(cmd workflows.Command, u *workflows.User, how string) workflows.Decision {
	d := one(cmd, evWritten, written{Effect: answered(cmd), User: u, How: how})
	if s.Does == Remove {
		d.Account = []workflows.Event{s.given(cmd, "")}
		return joined(d, s.end(cmd, Finished{Outcome: Done}))
	}
	if s.Review != "" { // it is the role that was decided, whether the invitation was accepted or not
		return joined(d, s.usable(cmd, u))
	}
	if u != nil && u.Status != workflows.UserAccepted || u == nil && s.Does == Grant {
		d.Events = append(d.Events, cmd.Event(evPending, until{Until: s.latest(cmd.At, s.Policy.AcceptWithin)}))
		d.Account = []workflows.Event{s.onTheWay(cmd)}
		return d
	}
	return joined(d, s.usable(cmd, u))
}

// usable begins the time-box, or ends the workflow when the access is for always. The lock goes back: others may change this access now.
func (s State) usable(cmd workflows.Command, u *workflows.User) workflows.Decision {
	if !s.boxed() {
		d := s.end(cmd, Finished{Outcome: Done})
		d.Account = append(d.Account, s.given(cmd, s.Want.Mark()))
		return d
	}
	until := s.latest(cmd.At.Add(s.Length), 0)
	d := one(cmd, evActive, written{User: u, Until: until})
	d.Account = append(s.unlock(cmd), s.timeBegins(cmd, until))
	return d
}

// invitationSeen follows an open invitation.
func (s State) invitationSeen(cmd workflows.Command, r workflows.Receipt) (workflows.Decision, error) {
	mark := r.Code
	if r.OK {
		mark = r.User.Mark()
	}
	switch {
	case mark == s.Mark:
		return workflows.Decision{}, nil
	case r.OK && r.User != nil && r.User.Status == workflows.UserAccepted:
		return s.usable(cmd, r.User), nil
	case r.OK && r.User == nil:
		return s.end(cmd, Finished{Outcome: Failed, Code: "withdrawn"}), nil
	case r.OK && r.User.Status == workflows.UserDismissed:
		return one(cmd, evDeclined, seen{Mark: mark}), nil
	}
	return one(cmd, evSeen, seen{Mark: mark}), nil
}

// attest records what a person swears to have done in the pages.
func attest(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if own := s.aboutSelf(cmd, f, "say that it was done"); own != nil {
		return workflows.Decision{}, own
	}
	if !workflows.Among(cmd.Actor.ID, s.doers()) {
		return workflows.Decision{}, refused("not_permitted", "Only "+workflows.Mentions(s.doers())+" can say that this was done. Nothing was recorded.")
	}
	switch {
	case s.Checks:
		return workflows.Decision{Reply: workflows.Reply{Text: workflows.Mention(s.Attested) + " said so already; it is being read at integrator.io. It counts once."}}, nil
	case s.Drifted:
	case s.Manual && (s.Phase == Doing || s.Phase == Restoring) && s.canSee():
		d := one(cmd, evChecking, none{})
		d.Calls = []workflows.Call{s.readCall()}
		return d, nil
	case s.Phase == Doing && s.Manual:
		return s.carriedOut(cmd, nil, workflows.Attested), nil
	case s.Phase == Pending && s.mayAttestAcceptance():
		return s.usable(cmd, nil), nil
	case s.Phase == Restoring && s.Manual:
		return s.restored(cmd, f, workflows.Attested), nil
	}
	return workflows.Decision{}, refused("not_now", "There is nothing to attest now. Nothing was recorded. "+stageLine(s))
}

// mayAttestAcceptance: where Keyholder cannot see whether the invitation was accepted.
func (s State) mayAttestAcceptance() bool { return !s.canSee() || s.Mark == workflows.RefusedForbidden }

// codeOvertaken is the end of a time whose access a later decision replaced.
const codeOvertaken = "overtaken"

// Codes of steps that integrator.io's interface offers only as a toggle, so that people do them.
const (
	codeSwitchOn  = "switch_on"
	codeSwitchOff = "switch_off"
	codeNotSeen   = "not_seen"
)

// wasChecked compares what people say they did with what integrator.io shows. What cannot be read counts as attested.
func (s State) wasChecked(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) workflows.Decision {
	if !s.Checks {
		return workflows.Decision{}
	}
	how := workflows.Verified
	var u *workflows.User
	if r.OK && r.Access != nil && r.Access.Unread[workflows.PartUsers] == "" {
		u = r.Access.User
		if shows := s.shows(u); shows != "" {
			return one(cmd, evRefused, refusal{Code: codeNotSeen, Message: shows, Manual: true})
		}
	} else {
		how = workflows.Attested
	}
	if s.Phase == Restoring {
		return s.restored(cmd, f, how)
	}
	return s.carriedOut(cmd, u, how)
}

// doneUnsaid notices that people did it in the pages without saying so.
func (s State) doneUnsaid(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) workflows.Decision {
	mark := r.Code
	if r.OK {
		mark = r.User.Mark()
	}
	switch {
	case !r.OK || s.shows(r.User) != "":
		if mark == s.Watched {
			return workflows.Decision{}
		}
		return one(cmd, evWatched, seen{Mark: mark})
	case s.Phase == Restoring:
		return s.restored(cmd, f, workflows.Verified)
	}
	return s.carriedOut(cmd, r.User, workflows.Verified)
}

// lookAt reads what is there where integrator.io refused to write over it. A time-box takes the lock again where it can: until it is answered nobody else
// changes this access, and nobody else asks about it.
func (s State) lookAt(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) workflows.Decision {
	if s.Phase == Restoring && s.overtaken(f) != "" {
		return s.endOvertaken(cmd, f, s.EndWhy)
	}
	b := looking{Effect: r.Effect, Message: r.Message, Locked: !s.holdsLock() && f.Account.Locks[s.lock()] == ""}
	d := one(cmd, evLooking, b)
	if b.Locked {
		d.Account = s.locksTaken(cmd)
	}
	d.Calls = []workflows.Call{s.readCall()}
	return d
}

// wasLookedAt asks what shall become of an access that is no longer the expected one.
func (s State) wasLookedAt(cmd workflows.Command, r workflows.Receipt) workflows.Decision {
	b := drifted{Mark: s.Mark}
	if r.OK && r.Access != nil && r.Access.Unread[workflows.PartUsers] == "" && r.Access.Capabilities.Token != workflows.No {
		b.User, b.OK = r.Access.User, true
	}
	if b.OK && s.Review != "" {
		if text := s.nothingLeft(b.User); text != "" {
			return s.endAsItIs(cmd, text, b.User)
		}
	}
	if b.OK && s.Review == "" && s.Left != "" && b.User.Mark() == s.Left {
		return s.leave(cmd, s.LeftBy)
	}
	return s.askChanged(cmd, b)
}

// shows says what integrator.io shows when it is not what should have been done, "" when it is.
func (s State) shows(u *workflows.User) string {
	want, off := s.Want.Mark(), false
	if s.Phase == Restoring {
		want = ""
		if b := s.brings(); b.User != nil {
			want, off = b.User.Access().Mark(), b.User.Disabled
		}
	} else if s.Does == Remove {
		want = ""
	} else if s.Review != "" && u != nil {
		off = u.Disabled // of that nothing was decided
	}
	switch {
	case u != nil && u.Status == workflows.UserDismissed && s.Does == Grant: // declined: as good as not invited
	case u == nil && want == "", u != nil && want != "" && u.Access().Mark() == want && u.Disabled == off:
		return ""
	case u == nil:
		return "no access"
	}
	return workflows.ReadMark(u.Mark()).Words(nil)
}

// afterwards are the facts once a decision's account events are recorded, for what is decided in the same breath.
func afterwards(f workflows.Facts, events []workflows.Event) workflows.Facts {
	for _, e := range events {
		if a, err := workflows.ApplyAccount(f.Account, e); err == nil {
			f.Account = a
		}
	}
	return f
}
