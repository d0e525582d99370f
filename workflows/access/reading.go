package access

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

var evRequested = kind[requested]{
	Type: "access.requested",
	Fold: func(s *State, e workflows.Event, b requested) {
		s.Frozen = b.Frozen
		s.Open(b.Opening, Reading, e)
		s.Until = e.At.Add(b.Policy.ConfirmWithin)
		s.calls(e)
	},
	Tell: func(_ workflows.Event, b requested) string {
		s := State{Frozen: b.Frozen}
		text := workflows.Say("%m asked: %s", b.Requester, s.Title())
		if b.Review != nil {
			text = workflows.Say("Decided in the review %s by %m: %s", b.Review.ID, b.Requester, s.Title())
		}
		if b.Change != Remove {
			text += ", " + b.Want.Brief(nil)
			if b.Review == nil {
				text += ", for " + s.forWord()
			}
		}
		if b.Urgent {
			text += ", urgent"
		}
		return text + ". " + workflows.Quote(b.Reason)
	},
}

var evRead = kind[Read]{
	Type: "access.read",
	Fold: func(s *State, _ workflows.Event, b Read) {
		s.Read, s.Wait.Again, s.Wait.Away = b, time.Time{}, ""
		s.knows(b.User)
		s.answered()
		s.Ask()
	},
	Tell: func(_ workflows.Event, b Read) string {
		switch {
		case !b.OK:
			return "What they had could not be read: " + workflows.WhyUnread(b.Unread) + "."
		case b.User == nil:
			return "They were not a user (seen at integrator.io)."
		}
		return "They had " + workflows.ReadMark(b.User.Mark()).Words(b.Names) + " (seen at integrator.io)."
	},
}

var evAway = kind[waiting]{
	Type: "access.away",
	Fold: func(s *State, _ workflows.Event, b waiting) {
		if s.Wait.Away == "" {
			s.Ask()
		}
		s.answered()
		s.Wait.Again, s.Wait.Away = b.Again, b.Code
	},
	Tell: func(_ workflows.Event, b waiting) string {
		return workflows.Say("It could not be read: %s. Next try: %t.",
			workflows.Text(workflows.WhyUnread(b.Code)), b.Again)
	},
}

// readingStage is until it is known what they have.
type readingStage struct{ plain }

func (readingStage) now(s State) string {
	if s.Wait.Away != "" {
		return "What they have now cannot be read: " + workflows.WhyUnread(s.Wait.Away) + "."
	}
	return "What they have now is being read."
}

func (readingStage) lines(s State, _ string) []string {
	if s.Wait.Away != "" && !s.Call.InFlight {
		return []string{workflows.Say("! integrator.io does not accept the token, so what %s has now cannot be read. "+
			"Whoever runs Keyholder has to replace it. Nothing is lost: Keyholder tries again %t.",
			workflows.Text(s.Email), s.Wait.Again)}
	}
	return []string{"… What " + s.Email + " has now is being read at integrator.io."}
}

func (readingStage) buttons(s State, who string) (out []workflows.Button) {
	if s.Wait.Away != "" && workflows.Among(who, s.resenders()) {
		out = append(out, workflows.Button{Action: ActRecheck, Label: "Check again", Style: workflows.Primary})
	}
	return append(out, s.cancelButton(who)...)
}

// recheck reads at once what is read again later by itself: whoever replaced the token waits for nothing.
func recheck(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case !workflows.Among(cmd.Actor.ID, s.resenders()):
		return refuse("not_permitted", workflows.Say("Only %m can have it read again.", s.resenders()))
	case s.Stage != Reading:
		return s.notNow("What they have is known by now.")
	case s.Call.InFlight:
		return say("It is being read just now. Your card changes when integrator.io has answered.")
	}
	return s.tryAgain(cmd, f), nil
}

func (readingStage) cancel(State) cancelling          { return justEnds }
func (readingStage) timers(s State) []workflows.Timer { return s.expiring() }

// answer compares what is with what is wanted, and goes on.
func (readingStage) answer(s State, cmd workflows.Command, f workflows.Facts,
	r workflows.Receipt) (workflows.Decision, error) {
	if r.Op != workflows.OpReadAccess {
		return workflows.Decision{}, nil
	}
	ev := Read{Does: s.Change}
	switch {
	case r.OK && r.Access != nil:
		if cmd.At.Sub(r.Access.At) > workflows.FactsMaxAge {
			d := evSlow.One(cmd, workflows.None{})
			d.Calls = []workflows.Call{s.readCall()}
			return d, nil
		}
		ev = s.reads(r.Access)
	case r.Failed:
		return s.end(cmd, Finished{Outcome: Failed, Code: r.Code}), nil
	case r.Code == workflows.RefusedUnauthorized && !s.Urgent && s.Late == nil:
		// A token can be replaced; what is urgent or late is handed to people.
		return evAway.One(cmd, waiting{Code: r.Code, Again: cmd.At.Add(waitAgain)}), nil
	default:
		ev.Unread = r.Code
	}
	ev.Does = s.way().does(s, ev)
	key, _, _ := f.Account.GivenOf(s.Environment, s.address(), ev.User.Ref())
	// the same user, asked for under another address
	if holder := f.Account.Locks["access/"+key]; holder != "" && holder != s.ID {
		return s.end(cmd, Finished{Outcome: Failed, Code: codeNotOpened,
			Message: "another request is changing the access " +
				"of the same user: " + holder + ". Look at that one, then ask again."}), nil
	}
	s.Who, ev.Key = ev.User.Ref(), key
	ev.Former, ev.Timed = s.formerly(ev, s.record(f)), len(s.record(f).Running) > 0
	d := evRead.One(cmd, ev)
	next, err := fold(s, d.Events)
	if err != nil {
		return d, err
	}
	if next.Read.OK {
		if text := s.way().nothing(next, ev.User); text != "" {
			return joined(d, next.endAsItIs(cmd, text, ev.User)), nil
		}
	}
	return joined(d, s.way().next(next, cmd, f)), nil
}

// reads is what a reading says.
func (s State) reads(a *workflows.AccessReading) Read {
	ev := Read{
		Does: s.Change, User: a.User, SSO: a.SSOEnabled, Caps: a.Capabilities, Unread: a.Unread[workflows.PartUsers],
		Names: map[string]string{},
	}
	ev.OK = ev.Unread == "" && a.Capabilities.Token != workflows.No
	// An empty list proves nothing, but an invitation can be tried: integrator.io itself refuses it to
	// a token without rights.
	ev.Empty = !ev.OK && a.User == nil && a.Capabilities.Token == workflows.Yes &&
		a.Capabilities.ReadUsers == workflows.Unknown && s.Change != Remove
	for _, n := range a.Integrations {
		if workflows.Among(n.ID, s.Want.Manage, s.Want.Monitor) ||
			a.User != nil && workflows.Among(n.ID, a.User.Manage, a.User.Monitor) {
			ev.Names[n.ID] = n.Name
		}
	}
	return ev
}
