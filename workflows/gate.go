package workflows

import "errors"

// Handler decides one command of an open workflow.
type Handler[S any] func(s S, cmd Command, f Facts) (Decision, error)

// Asking is a state whose cards ask questions by rounds, as every one with a [Head] is.
type Asking interface {
	State
	CurrentRound() int
}

// Gate is what every click passes before its own handler judges whether this person may do it: the
// button is known; whoever clicked is a full member; the workflow is not over; the question on the
// card is the one that is asked now. What does not pass changes nothing, is told why, and has the
// card shown again where it was an old one.
type Gate[S Asking] struct {
	// Noun is what the workflow is to people, as "transfer".
	Noun string
	// Clicks are the handlers by action.
	Clicks map[string]Handler[S]
	// Outcome says how a workflow that is over ended, Now what is the case in one that is open:
	// whole sentences.
	Outcome, Now func(s S) string
	// Mine says what of this person is recorded already where they answer once more, a sentence, "" for
	// nothing; nil: never anything.
	Mine func(s S, who, action string) string
}

// Decide lets a click pass to its handler, or answers a [*Refusal].
func (g Gate[S]) Decide(s S, cmd Command, f Facts) (Decision, error) {
	act, known := g.Clicks[cmd.Name]
	if !known || !s.Opened() {
		return Decision{}, Refuse(
			"unknown_action",
			"That button is not one of this "+g.Noun+"'s. Nothing was recorded. Use the buttons on your card.",
		)
	}
	if r := g.refuse(s, cmd, f); r != nil {
		return Decision{}, r
	}
	return act(s, cmd, f)
}

func (g Gate[S]) refuse(s S, cmd Command, f Facts) *Refusal {
	if r := RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	if s.Closed() {
		r := Refuse("closed", "This "+g.Noun+" is over: "+g.Outcome(s)+" Nothing was recorded.")
		r.Refresh = true
		return r
	}
	if cmd.Round == NoRound || cmd.Round == s.CurrentRound() {
		return nil
	}
	text := "This card has changed since you opened it. " + g.Now(s) +
		" Nothing was recorded by this click. Look at your card; it shows what is asked now."
	if g.Mine != nil {
		if mine := g.Mine(s, cmd.Actor.ID, cmd.Name); mine != "" {
			text = mine + " " + text
		}
	}
	r := Refuse("old_round", text)
	r.Refresh = true
	return r
}

// NoLonger adds to a refusal by the rights of now that somebody was permitted once (was), when the
// workflow began, for what. Other errors stay as they are.
func NoLonger(err error, was bool, what string) error {
	var r *Refusal
	if was && errors.As(err, &r) && r.Code == "not_permitted" {
		return Refuse("removed", "The configuration no longer names you for "+what+". "+r.Text)
	}
	return err
}
