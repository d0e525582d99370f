package offboard

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
)

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// now says what is the case, a whole sentence.
func (s State) now() string {
	if s.Stage == Reading {
		return "integrator.io is asked what they can do there."
	}
	open, blocked := 0, 0
	for _, st := range s.left() {
		open++
		if st.Blocked != nil {
			blocked++
		}
	}
	if open == 0 {
		return "Everything that could be done before the last day is done."
	}
	text := workflows.Say("%d of %n done.", len(s.Steps)-open, len(s.Steps), "step")
	if blocked > 0 {
		text += workflows.Say(" %n blocked.", blocked, "step")
	}
	return text + workflows.Say(" What is open is late after %t.", s.Day.Due)
}

// leftWords names what is open.
func (s State) leftWords() workflows.Text {
	var out []workflows.Text
	for _, st := range s.left() {
		out = append(out, workflows.Text(s.what(st.Name)))
	}
	return workflows.Texts(out, "and")
}

func (s State) stepWords(names []string) workflows.Text {
	var out []workflows.Text
	for _, n := range names {
		out = append(out, workflows.Text(s.what(n)))
	}
	return workflows.Texts(out, "and")
}

// outcome says how it ended, a whole sentence.
func (s State) outcome() string {
	switch {
	case s.End == nil:
		return ""
	case s.Stage == Settled:
		return workflows.Say("%m ended it with something open.", s.End.By.ID)
	case s.Stage == Cancelled:
		return workflows.Say("%m cancelled it.", s.End.By.ID)
	}
	return "everything is done."
}

func (s State) endTitle() string {
	switch {
	case s.Stage == Done && len(s.Steps) == 0:
		return "✓ " + workflows.Say("Nothing of %s rests on %m", s.AccountName, s.Person)
	case s.Stage == Done:
		return "✓ " + workflows.Say("%m has left %s", s.Person, s.AccountName)
	case s.Stage == Settled:
		return "! " + workflows.Say("%m has left %s, and something is open", s.Person, s.AccountName)
	}
	return "✗ " + workflows.Say("%m does not leave %s after all", s.Person, s.AccountName)
}

func (s State) endLines() []string {
	var out []string
	switch s.Stage {
	case Done:
		if len(s.Steps) > 0 {
			out = append(out, workflows.Say("All of it is done, since %t: %s.", s.Over, s.stepWords(namesOf(s.Steps))))
		}
	case Settled:
		out = append(out, workflows.Say("%m ended it, %t. Still open: %s.", s.End.By.ID, s.Over,
			s.stepWords(s.End.Open)))
		for _, st := range s.left() {
			out = append(out, s.fact(st))
		}
	case Cancelled:
		line := workflows.Say("%m cancelled it, %t.", s.End.By.ID, s.Over)
		if s.End.Reason != "" {
			line += workflows.Say(" %q", s.End.Reason)
		}
		out = append(out, line)
		if len(s.End.Gone) > 0 {
			out = append(out, workflows.Say("Removed by then, and not given back: %s. Ask for it with ", s.End.Gone)+
				"`"+workflows.Slash+" access "+s.AccountID+"`.")
		} else {
			out = append(out, "Nothing was removed by then; what was asked for is withdrawn.")
		}
	}
	return out
}

func namesOf(all []step.Step) (out []string) {
	for _, st := range all {
		out = append(out, st.Name)
	}
	return out
}

// sayForm asks which step is done, or does not work.
func (s State) sayForm(cmd workflows.Command, choices []step.Step) *workflows.Modal {
	title, label, optional := "This is done", "How can somebody else see that?", true
	if cmd.Name == ActBlocked {
		title, label, optional = "This does not work", "Why", false
	}
	which := workflows.Input{Block: BlockStep, Kind: workflows.InputSelect, Label: "What"}
	for _, st := range choices {
		which.Options = append(which.Options, workflows.Option{Value: st.Name,
			Label: capital(workflows.Plain(s.what(st.Name), s.name))})
	}
	if len(choices) == 1 {
		which.Initial = choices[0].Name
	}
	return &workflows.Modal{
		Callback: cmd.Name, Title: title, Submit: "Say so", Workflow: cmd.Workflow, Account: s.AccountID,
		Action: cmd.Name, Round: s.Round,
		Intro: []string{workflows.Say("*%s*", s.Title())},
		Inputs: []workflows.Input{which, {
			Block: BlockNote, Kind: workflows.InputText, Label: label, Optional: optional, Multiline: true,
			MaxLength: workflows.MaxTyped,
			Hint:      "It is shown on the card and kept; never write a password here.",
		}},
	}
}

// why asks why it is cancelled.
func (s State) why(cmd workflows.Command) *workflows.Modal {
	return &workflows.Modal{
		Callback: reasonForm, Title: "Cancel it", Submit: "Cancel it", Workflow: cmd.Workflow, Account: s.AccountID,
		Action: cmd.Name, Round: s.Round,
		Intro: []string{workflows.Say(
			"*%s*\nRequests that were not carried out are withdrawn. What was removed stays removed.", s.Title())},
		Inputs: []workflows.Input{{Block: BlockReason, Kind: workflows.InputText, Label: "Why", Optional: true,
			Multiline: true,
			MaxLength: workflows.MaxTyped}},
	}
}
