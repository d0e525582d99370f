package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

type doing struct {
	Until  time.Time `json:"until"`
	Manual bool      `json:"manual,omitempty"`
}

// written is the body of events after which something stands at integrator.io.
type written struct {
	Effect string          `json:"effect,omitempty"` // the call that answered
	User   *workflows.User `json:"user,omitempty"`
	How    string          `json:"how"`
	Until  time.Time       `json:"until,omitzero"`
}

var evDoing = kind[doing]{
	Type: "access.doing",
	Fold: func(s *State, e workflows.Event, b doing) {
		s.Until = b.Until
		s.enter(Doing, e)
		s.Hand = Hand{Manual: b.Manual, Attested: s.Hand.Attested, Watched: s.Hand.Watched}
		s.Changed.Asks = false
		if !b.Manual {
			s.calls(e)
		} else if s.Read.OK {
			s.Hand.Watched = s.Read.User.Mark()
		}
	},
	Tell: func(_ workflows.Event, b doing) string {
		if b.Manual {
			return "An administrator was asked to do it in the pages."
		}
		return "integrator.io was asked to do it."
	},
}

// clocksDiffer is how far integrator.io's clock may be from ours where a record's age tells who made
// it.
const clocksDiffer = 10 * time.Minute

var evWritten = kind[written]{
	Type: "access.written",
	Fold: func(s *State, e workflows.Event, b written) {
		s.Call.Answered = b.Effect
		if s.tries() && b.How == workflows.Acted && b.User != nil && !b.User.Since.Before(s.Begun.Add(-clocksDiffer)) {
			// Nobody was there, as it was made just now.
			s.Read.OK, s.Read.Unread, s.Read.Caps.ReadUsers = true, "", workflows.Yes
		}
		s.knows(b.User)
		s.answered()
		s.Written.User, s.Written.How, s.Hand.Checks, s.Changed.Looking = b.User, b.How, false, false
		if b.How == workflows.Attested && e.By.Kind == workflows.ByPerson {
			s.Hand.Attested = e.By.ID
		}
	},
	Tell: func(e workflows.Event, b written) string { return "It was done (" + howWord(b.How, e.By.ID) + ")." },
}

// tries reports whether an invitation is sent although the list of users was empty.
func (s State) tries() bool { return s.Read.Empty && s.Read.Does == Grant }

// do carries the change out, or hands its steps to a person where no token can.
func (s State) do(cmd workflows.Command) workflows.Decision {
	// What cannot be read cannot be changed safely, nor restored.
	manual := s.byHand() || !s.Read.OK && !s.tries() || s.Read.Caps.ChangeUsers == workflows.No
	d := evDoing.One(cmd, doing{Until: s.way().until(s, cmd.At), Manual: manual})
	if manual {
		return d
	}
	is := s.Read.User
	if s.Changed.There != nil { // somebody said to do it all the same
		is = s.Changed.There.User
	}
	var call workflows.Call
	switch s.Read.Does {
	case Grant:
		call = s.call(workflows.OpGrant)
		call.Access = &s.Want
	case Change:
		call = s.call(workflows.OpChangeAccess)
		call.Access, call.Known = &s.Want, is.Access().Mark()
	default:
		call = s.call(workflows.OpRemoveAccess)
		if is != nil {
			call.Known = is.Access().Mark()
		}
	}
	d.Calls = []workflows.Call{call}
	if s.Read.Does == Grant && s.Read.User != nil { // a declined invitation is in the way of one with another access
		d.Calls = []workflows.Call{s.call(workflows.OpWithdrawUser), call}
	}
	return d
}

// carriedOutOrStopped ends at once what was refused while it was on its way.
func (s State) carriedOutOrStopped(cmd workflows.Command, f workflows.Facts,
	u *workflows.User) (workflows.Decision, error) {
	d := s.carriedOut(cmd, u, workflows.Acted)
	if s.Ending.Stop == "" {
		return d, nil
	}
	next, err := fold(s, d.Events)
	if err != nil || next.Closed() {
		return d, err
	}
	return joined(d, next.stop(cmd, afterwards(f, d.Account), s.Ending.Stop)), nil
}

// afterwards are the facts once a decision's account events are recorded, for what is decided in the
// same breath.
func afterwards(f workflows.Facts, events []workflows.Event) workflows.Facts {
	for _, e := range events {
		if a, err := workflows.ApplyAccount(f.Account, e); err == nil {
			f.Account = a
		}
	}
	return f
}

// carriedOut goes on after the write: wait for an invitation to be accepted, begin the time-box, or
// be done.
func (s State) carriedOut(cmd workflows.Command, u *workflows.User, how string) workflows.Decision {
	d := evWritten.One(cmd, written{Effect: answered(cmd), User: u, How: how})
	if s.Read.Does == Remove {
		d.Account = []workflows.Event{s.given(cmd, "")}
		return joined(d, s.end(cmd, Finished{Outcome: Done}))
	}
	if s.Review != nil { // it is the role that was decided, whether the invitation was accepted or not
		return joined(d, s.usable(cmd, u))
	}
	if u != nil && u.Status != workflows.UserAccepted || u == nil && s.Read.Does == Grant {
		d.Events = append(d.Events, evPending.Of(cmd, until{Until: s.latest(cmd.At, s.Policy.AcceptWithin)}))
		d.Account = []workflows.Event{s.onTheWay(cmd)}
		return d
	}
	return joined(d, s.usable(cmd, u))
}

// usable begins the time-box, or ends the workflow when the access is for always. The lock goes back:
// others may change this access now.
func (s State) usable(cmd workflows.Command, u *workflows.User) workflows.Decision {
	if !s.boxed() {
		d := s.end(cmd, Finished{Outcome: Done})
		d.Account = append(d.Account, s.given(cmd, s.Want.Mark()))
		return d
	}
	ends := s.latest(cmd.At.Add(s.Length), 0)
	d := evActive.One(cmd, written{User: u, Until: ends})
	d.Account = append(s.unlock(cmd), s.timeBegins(cmd, ends))
	return d
}

// doingStage is until it is written, by Keyholder or by people.
type doingStage struct{ plain }

func (doingStage) now(s State) string {
	switch {
	case s.Changed.Asks:
		return "Somebody changed the access since the review; an administrator decides."
	case s.Hand.Manual:
		return "An administrator is asked to do it."
	}
	return "It is being done."
}

func (doingStage) lines(s State, _ string) []string {
	switch {
	case s.Hand.Checks:
		return []string{s.checksLine()}
	case s.Changed.Asks:
		return []string{s.changedSinceReview()}
	case s.Changed.Looking:
		return []string{"… Somebody changed the access meanwhile; what it is now is being read at integrator.io."}
	case s.Hand.Manual:
		return []string{s.handLine()}
	case s.Ending.Stop != "":
		return []string{"… It was refused while it was on its way; it is taken back as soon as integrator.io " +
			"has answered."}
	}
	return []string{"… integrator.io is being asked to do it."}
}

func (doingStage) buttons(s State, who string) []workflows.Button {
	out := s.changedButtons(who, "Do it all the same")
	if s.swears(who) {
		out = append(out, swear("It is done", "In integrator.io, "+s.doneWord()+"."))
	}
	if !s.Call.InFlight && !s.Changed.Asks && workflows.Among(who, s.stoppers()) {
		out = append(out, workflows.Button{Action: ActCancel, Label: "Cancel request…"})
	}
	return out
}

func (doingStage) waiting(s State) []string     { return s.handWaiting() }
func (doingStage) watch(s State) (string, bool) { return s.handWatch() }

func (doingStage) timers(s State) []workflows.Timer {
	if s.Call.InFlight {
		return nil
	}
	return s.expiring()
}

func (doingStage) expire(s State, cmd workflows.Command, f workflows.Facts) workflows.Decision {
	if s.Written.Unusable {
		return s.stop(cmd, f, "expired")
	}
	return s.end(cmd, Finished{Outcome: Expired})
}

func (doingStage) cancel(s State) cancelling {
	switch {
	case s.Call.InFlight:
		return tooLate
	case s.Written.Unusable:
		return takesBack
	}
	return justEnds
}

// answer decides integrator.io's answer to the change.
func (doingStage) answer(s State, cmd workflows.Command, f workflows.Facts,
	r workflows.Receipt) (workflows.Decision, error) {
	switch r.Op {
	case workflows.OpGrant, workflows.OpChangeAccess, workflows.OpRemoveAccess:
	default:
		return workflows.Decision{}, nil
	}
	if !s.Call.InFlight {
		return workflows.Decision{}, nil
	}
	asked := s.Review == nil
	off := s.Read.Does != Remove && r.User != nil && r.User.Disabled && r.User.Status != workflows.UserPending
	switch {
	case r.OK && off && asked:
		return evRefused.One(cmd, refusal{Code: codeSwitchOn, Manual: true}), nil
	case r.OK:
		return s.carriedOutOrStopped(cmd, f, r.User)
	case !asked && (r.Code == workflows.RefusedChanged || r.Code == workflows.RefusedNotUser):
		return s.lookAt(cmd, f, r), nil
	case r.Failed:
		return s.end(cmd, Finished{Outcome: Failed, Code: r.Code, Message: r.Message}), nil
	}
	switch r.Code {
	case workflows.RefusedForbidden, workflows.RefusedUnauthorized, workflows.RefusedNoToken:
		return evRefused.One(cmd, refusal{Code: r.Code, Message: r.Message, Manual: true}), nil
	}
	return s.end(cmd, Finished{Outcome: Failed, Code: r.Code, Message: r.Message}), nil
}
