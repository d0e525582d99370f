package access

import (
	"cmp"

	"github.com/keyholder/keyholder/workflows"
)

// Codes of steps that integrator.io's interface offers only as a toggle, so that people do them.
const (
	codeSwitchOn  = "switch_on"
	codeSwitchOff = "switch_off"
	codeNotSeen   = "not_seen"
)

var evRefused = kind[refusal]{
	Type: "access.call_refused",
	Fold: func(s *State, _ workflows.Event, b refusal) {
		s.answered()
		s.Hand = Hand{Manual: b.Manual, Attested: s.Hand.Attested, Code: b.Code, Message: b.Message}
		s.Written.Unusable = s.Written.Unusable || b.Code == codeSwitchOn
		s.Ask()
	},
	Tell: func(_ workflows.Event, b refusal) string {
		switch b.Code {
		case codeSwitchOn:
			return "It was written, but they are switched off there; an administrator was asked to switch them on."
		case codeSwitchOff:
			return "It was written, but they were switched off before; an administrator was asked to switch " +
				"them off again."
		case codeNotSeen:
			return workflows.Say("integrator.io showed something else: %s.", b.Message)
		}
		return workflows.Say("integrator.io refused it (%s)%s.", b.Code, workflows.Text(workflows.Quoted(b.Message)))
	},
}

var evChecking = kind[workflows.None]{
	Type: "access.checking",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.calls(e)
		s.Hand.Checks, s.Hand.Attested = true, e.By.ID
		s.Ask()
	},
	Tell: func(e workflows.Event, _ workflows.None) string {
		return workflows.Say("%m said that it is done; integrator.io was asked to show it.", e.By.ID)
	},
}

var evWatched = kind[seen]{
	Type: "access.watched",
	Fold: func(s *State, _ workflows.Event, b seen) { s.Hand.Watched = b.Mark },
	Tell: func(_ workflows.Event, b seen) string {
		if h := workflows.ReadMark(b.Mark); h == nil || h.Access.Role != "" {
			return "While people were asked to do it integrator.io showed: " + h.Words(nil) + "."
		}
		return "While people were asked to do it integrator.io could not be read: " + workflows.WhyUnread(b.Mark) + "."
	},
}

// attest records what a person swears to have done in the pages.
func attest(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := s.aboutSelf(cmd, f, "say that it was done"); err != nil {
		return workflows.Decision{}, err
	}
	if doers := s.way().doers(s); !workflows.Among(cmd.Actor.ID, doers) {
		return refuse("not_permitted", workflows.Say("Only %m can say that this was done.", doers))
	}
	manual := s.Hand.Manual && !s.Changed.Asks
	switch {
	case s.Hand.Checks:
		return say("%m said so already; it is being read at integrator.io. It counts once.", s.Hand.Attested)
	case manual && s.canSee():
		d := evChecking.One(cmd, workflows.None{})
		d.Calls = []workflows.Call{s.readCall()}
		return d, nil
	case manual && s.Stage == Doing:
		return s.carriedOut(cmd, nil, workflows.Attested), nil
	case manual && s.Stage == Restoring:
		return s.restored(cmd, f, workflows.Attested), nil
	case s.Stage == Pending && s.mayAttestAcceptance():
		return s.usable(cmd, nil), nil
	}
	return s.notNow("There is nothing to attest now.")
}

// swears reports whether somebody is shown the button of that.
func (s State) swears(who string) bool {
	return s.Hand.Manual && !s.Hand.Checks && !s.Changed.Asks && workflows.Among(who, s.way().doers(s))
}

// wasChecked compares what people say they did with what integrator.io shows. What cannot be read
// counts as attested.
func (s State) wasChecked(cmd workflows.Command, f workflows.Facts, r workflows.Receipt) workflows.Decision {
	if !s.Hand.Checks {
		return workflows.Decision{}
	}
	how := workflows.Attested
	var u *workflows.User
	if r.OK && r.Access != nil && r.Access.Unread[workflows.PartUsers] == "" {
		how, u = workflows.Verified, r.Access.User
		if shows := s.shows(u); shows != "" {
			return evRefused.One(cmd, refusal{Code: codeNotSeen, Message: shows, Manual: true})
		}
	}
	if s.Stage == Restoring {
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
		if mark == s.Hand.Watched {
			return workflows.Decision{}
		}
		return evWatched.One(cmd, seen{Mark: mark})
	case s.Stage == Restoring:
		return s.restored(cmd, f, workflows.Verified)
	}
	return s.carriedOut(cmd, r.User, workflows.Verified)
}

// shows says what integrator.io shows when it is not what should have been done, "" when it is.
func (s State) shows(u *workflows.User) string {
	want, off := s.Want.Mark(), false
	switch {
	case s.Stage == Restoring:
		want = ""
		if b := s.brings(); b.User != nil {
			want, off = b.User.Access().Mark(), b.User.Disabled
		}
	case s.Read.Does == Remove:
		want = ""
	case s.Review != nil && u != nil:
		off = u.Disabled // of that nothing was decided
	}
	switch {
	case u != nil && u.Status == workflows.UserDismissed && s.Read.Does == Grant: // declined: as good as not invited
		return ""
	case u == nil && want == "", u != nil && want != "" && u.Access().Mark() == want && u.Disabled == off:
		return ""
	}
	return workflows.ReadMark(u.Mark()).Words(nil)
}

// unwatched stands for what was never looked at: whatever is read is worth knowing.
const unwatched = "unwatched"

// handWatch follows what people do in the pages, said or not.
func (s State) handWatch() (known string, looks bool) {
	return cmp.Or(s.Hand.Watched, unwatched), s.Hand.Manual && s.canSee()
}

// handWaiting are those who do it, or decide what becomes of what somebody made of it.
func (s State) handWaiting() []string {
	switch {
	case s.Changed.Asks:
		return s.able()
	case s.Hand.Manual:
		return s.way().doers(s)
	}
	return nil
}

func (s State) checksLine() string {
	return workflows.Say("… %m says that it is done; it is being read at integrator.io.", s.Hand.Attested)
}

// notSeenLine says what integrator.io shows instead of what somebody said.
func (s State) notSeenLine() string {
	return workflows.Say("! %m said that it is done, but integrator.io shows for %s: %s. ", s.Hand.Attested,
		workflows.Text(s.address()), workflows.Text(s.Hand.Message))
}

// handLine asks people to do it in the pages.
func (s State) handLine() string {
	why := ""
	switch s.Hand.Code {
	case "", workflows.RefusedNoToken:
	case codeSwitchOn:
		why = "! The access is written, but " + s.address() + " is switched off there, which Keyholder does " +
			"not undo by itself. "
	case codeNotSeen:
		why = s.notSeenLine()
	default:
		why = "! integrator.io refused it to Keyholder's token" + workflows.Quoted(s.Hand.Message) + ". "
	}
	return why + workflows.Mentions(s.way().doers(s)) + ": please do it in integrator.io. " + s.pageSteps() +
		" Then press “It is done”. " + s.way().byWhen(s)
}

// pageSteps are the steps in the pages of integrator.io.
func (s State) pageSteps() string {
	switch {
	case s.Read.Does == Remove:
		return "My account > Users, switch " + s.address() + " off, then Remove."
	case s.Read.Does == Grant:
		return "My account > Users > Invite user: " + s.address() + ", " + s.Want.Describe(s.Read.Names) + "."
	case s.Hand.Code == codeSwitchOn:
		return "My account > Users, switch " + s.address() + " on."
	}
	return "My account > Users, Manage permissions of " + s.address() + ": " + s.Want.Describe(s.Read.Names) + "."
}

// doneWord says what somebody swears to.
func (s State) doneWord() string {
	if s.Read.Does == Remove {
		return s.address() + " was removed from " + s.where()
	}
	return s.address() + " has " + s.Want.Brief(s.Read.Names)
}
