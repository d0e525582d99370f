package access

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// more is the question for more time, put to the same people as the first.
var more = question.Of[State]{
	Machine: "access", Name: "more", Yes: "approve",
	At:        func(s *State) *question.Question { return &s.Box.More },
	Approvers: func(p workflows.Policy) []string { return p.Access.Approvers },
	Put: func(s *State, e workflows.Event, _ question.Question) {
		s.Box.By, s.Box.Asks, s.Box.NoMore, s.Box.NoMoreLeft = e.By.ID, true, "", ""
		s.Ask()
	},
	Calm:   func(State) bool { return true }, // the end of the time is its end, and that is told
	Carers: func(s State) []string { return []string{s.Box.By} },
	Words:  wording("Refuse more time? The access ends at its time."),
	Label:  func(State) string { return "Give more time" },
	Because: func(s State, _ string) string {
		return workflows.Say("%m asks for %l more, after %t.", s.Box.By, s.Length, s.Until)
	},
	Title: func(s State) string { return workflows.Esc(s.Title()) },
}

var evActive = kind[written]{
	Type: "access.active",
	Fold: func(s *State, e workflows.Event, b written) {
		s.Until = b.Until
		s.enter(Active, e)
		s.Box.From = e.At
		s.Hand = Hand{Attested: s.Hand.Attested, Checks: s.Hand.Checks, Watched: s.Hand.Watched}
		s.Ending.Back, s.Ending.Why = nil, ""
		if s.Ending.Stop == "" {
			s.Ending.By = ""
		}
		s.Call.InFlight, s.Invitation.Resending, s.Invitation.Declined = false, false, time.Time{}
		s.knows(b.User)
		if b.User != nil {
			s.Written.User = b.User
		}
	},
	Tell: func(_ workflows.Event, b written) string { return workflows.Say("Usable now; it ends %t.", b.Until) },
}

var evNoticed = kind[Notice]{
	Type: "access.noticed",
	Fold: func(s *State, _ workflows.Event, b Notice) {
		s.Box.Notices = b.N
		s.Box.Noticed = append(s.Box.Noticed, b)
	},
	Tell: func(_ workflows.Event, b Notice) string { return workflows.Say("Told of the coming end: %m.", b.To) },
}

// extending is the body of the event by which somebody asks for more time.
type extending struct {
	By string `json:"by"`
}

var evExtending = kind[extending]{
	Type: "access.extending",
	Tell: func(_ workflows.Event, b extending) string { return workflows.Say("%m asked for more time.", b.By) },
}

var evExtended = kind[until]{
	Type: "access.extended",
	Fold: func(s *State, _ workflows.Event, b until) {
		s.wasAsked()
		s.Until, s.Box.Notices = b.Until, 0
		s.Ask()
	},
	Tell: func(_ workflows.Event, b until) string { return workflows.Say("It ends %t now.", b.Until) },
}

var evNotExtended = kind[reason]{
	Type: "access.not_extended",
	Fold: func(s *State, _ workflows.Event, b reason) {
		s.wasAsked()
		s.Box.NoMore, s.Box.NoMoreLeft = b.Reason, b.Left
		s.Ask()
	},
	Tell: func(_ workflows.Event, b reason) string {
		if b.Left != "" {
			return workflows.Say("No more time was given, as %m is no active member of this Slack any more.", b.Left)
		}
		return workflows.Say("No more time was given: %q", b.Reason)
	},
}

// wasAsked ends the question for more time; its votes stay on the card.
func (s *State) wasAsked() {
	if s.Box.Asks {
		for _, v := range s.Box.More.Ballot.Votes {
			if slices.Contains(s.Box.More.Proven, v.By) {
				s.Box.Proven = append(s.Box.Proven, len(s.Box.Past))
			}
			s.Box.Past = append(s.Box.Past, v)
		}
	}
	s.Box.Asks = false
}

// extend asks the same people for the same length again.
func extend(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	who := cmd.Actor.ID
	switch {
	case !workflows.Among(who, s.own(), s.managers()):
		return refuse("not_permitted", s.onlyOwn("ask for more time"))
	case s.Stage != Active || s.Urgent:
		return s.notNow("Nothing can be extended now.")
	case s.Box.Asks:
		return say("%m has asked for more time already; it counts once.", s.Box.By)
	}
	if gone := s.left(f); gone != "" {
		return refuse("has_left", s.leftWords(gone)+" So no more time can be asked for.")
	}
	asker := approvals.Party{Identity: f.Known(who), Why: question.ByRequester}
	put, err := more.Ask(cmd, f, s.put(cmd, s.Until, asker))
	if err != nil {
		return workflows.Decision{}, err
	}
	d := evExtending.One(cmd, extending{By: who})
	d.Events = append(d.Events, put)
	return d, nil
}

// longer gives the time that was asked for, from the moment of the old end.
func (s State) longer(cmd workflows.Command) workflows.Decision {
	ends := s.Until.Add(s.Length)
	d := evExtended.One(cmd, until{Until: ends})
	d.Account = []workflows.Event{s.timeMoves(cmd, ends)}
	return d
}

// endEarly ends a time-box before its time; it needs nobody's approval.
func endEarly(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !workflows.Among(cmd.Actor.ID, s.own(), s.managers()) {
		return refuse("not_permitted", s.onlyOwn("end this access"))
	}
	if s.Stage != Active {
		return s.notNow("There is no running access to end.")
	}
	return s.stop(cmd, f, "early"), nil
}

func (s State) onlyOwn(do string) string {
	return workflows.Say("Only %m, the holders and the administrators can %s.", s.own(), do)
}

// nextNotice says when to warn next; notices that would lie before the time-box began are passed
// over.
func (s State) nextNotice() (time.Time, bool) {
	n := 0
	for _, before := range s.Policy.Notice {
		at := s.Until.Add(-before)
		if !at.After(s.Box.From) {
			continue
		}
		if n == s.Box.Notices {
			return at, true
		}
		n++
	}
	return time.Time{}, false
}

// activeStage is a time-box that runs.
type activeStage struct{ plain }

func (activeStage) title(s State) string {
	return workflows.Esc(s.Email + " has access to " + s.where() + " for a time")
}

func (activeStage) now(s State) string { return workflows.Say("It runs until %t.", s.Until) }

func (activeStage) lines(s State, _ string) []string {
	line := workflows.Say("✓ Usable since %t (%s). It ends %u: ", s.Box.From,
		workflows.Text(howWord(s.Written.How, s.Hand.Attested)), s.Until) + s.after(willBe)
	if s.Box.NoMore != "" {
		line += workflows.Say(" More time was refused: %q.", s.Box.NoMore)
	}
	if s.Box.NoMoreLeft != "" {
		line += " More time was not given: " + s.leftWords(s.Box.NoMoreLeft)
	}
	if s.Urgent && !s.Approved {
		line += " A second person may let it stand until then, or end it now."
	}
	return []string{line}
}

func (activeStage) buttons(s State, who string) []workflows.Button {
	if !workflows.Among(who, s.own(), s.managers()) {
		return nil
	}
	var out []workflows.Button
	if !s.Box.Asks && !s.Urgent {
		out = append(out, workflows.Button{Action: ActExtend, Label: "Ask for more time"})
	}
	return append(out, workflows.Button{Action: ActEnd, Label: "I'm done: end it", Confirm: &workflows.Confirm{
		Title: "End it now?", Text: s.after(willBe), Yes: "End it", No: "Keep it",
	}})
}

func (activeStage) waiting(s State) []string { return s.own() }
func (activeStage) holds(State) bool         { return false }

func (activeStage) timers(s State) []workflows.Timer {
	out := []workflows.Timer{{Name: timerEnd, At: s.Until}}
	if at, ok := s.nextNotice(); ok {
		out = append(out, workflows.Timer{Name: timerNotice, At: at})
	}
	return out
}

// noticeCards warn of the end, under the cards of those whose access it is.
func (s State) noticeCards() []workflows.Card {
	var out []workflows.Card
	for i, n := range s.Box.Noticed {
		text := workflows.Say("The access of %s to %s ends %t, in %l.", workflows.Text(s.Email), s.where(),
			n.Until, n.Until.Sub(n.At))
		if !s.Urgent {
			text += " To keep it longer press “Ask for more time” on the card; the approvers decide."
		}
		out = append(out, s.replies(workflows.Say("notice-%d", i+1), n.To, text)...)
	}
	return out
}
