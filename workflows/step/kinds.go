package step

import (
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// said is the body of what a person, or a reading, said of a step.
type said struct {
	Step string `json:"step"`
	Word
}

// told is the body of whom a step's lateness was told.
type told struct {
	Step string `json:"step"`
	Notice
}

// Kinds are the steps' types of events, for the machine's [workflows.NewKinds].
func (o Of[S]) Kinds() []workflows.AnyKind[S] {
	return []workflows.AnyKind[S]{
		o.begun(), o.claimed(), o.done(), o.seen(), o.blocked(), o.passed(), o.late(), o.reminded(),
	}
}

func (o Of[S]) kind(suffix string) string { return o.Machine + ".step_" + suffix }

func (o Of[S]) begun() workflows.Kind[S, Step] {
	return workflows.Kind[S, Step]{
		Type: o.kind("begun"),
		Fold: func(s *S, e workflows.Event, b Step) {
			b.Began = e.At
			if o.Begun != nil {
				o.Begun(s, e, b)
			}
			if at := o.At(s, b.Name); at != nil {
				*at = b
			}
		},
		Tell: func(_ workflows.Event, b Step) string { return "Asked to act: " + orNobody(b.People) + "." },
	}
}

// word is a kind whose fold changes one step.
func (o Of[S]) word(suffix string, fold func(st *Step, w Word), tell func(who string,
	w Word) string) workflows.Kind[S, said] {
	return workflows.Kind[S, said]{
		Type: o.kind(suffix),
		Fold: func(s *S, _ workflows.Event, b said) {
			if st := o.At(s, b.Step); st != nil {
				fold(st, b.Word)
			}
		},
		Tell: func(_ workflows.Event, b said) string { return tell(workflows.Mention(b.By), b.Word) },
	}
}

func (st *Step) hands(who string) { st.Hands = workflows.Union(st.Hands, []string{who}) }

func (o Of[S]) claimed() workflows.Kind[S, said] {
	return o.word("claimed", func(st *Step, w Word) { st.Claimed = &w; st.hands(w.By) },
		func(who string, _ Word) string { return who + " is on it." })
}

func (o Of[S]) done() workflows.Kind[S, said] {
	return o.word("done", func(st *Step, w Word) { st.Done = &w; st.hands(w.By) },
		func(who string, w Word) string { return who + " says that it is done: " + workflows.Quote(w.Text) })
}

func (o Of[S]) seen() workflows.Kind[S, said] {
	return o.word("seen", func(st *Step, w Word) { st.Seen = &w }, func(who string, w Word) string {
		if w.By == "" {
			return "Seen at integrator.io: " + workflows.Esc(w.Text) + "."
		}
		return who + " has seen that it is done."
	})
}

func (o Of[S]) blocked() workflows.Kind[S, said] {
	return o.word("blocked", func(st *Step, w Word) { st.Blocked = &w },
		func(who string, w Word) string {
			return who + " says that it does not work: " + workflows.Quote(w.Text)
		})
}

func (o Of[S]) passed() workflows.Kind[S, said] {
	return o.word("passed", func(st *Step, w Word) { st.Passed = &w },
		func(who string, _ Word) string { return who + " goes on without it." })
}

func (o Of[S]) late() workflows.Kind[S, told] {
	return workflows.Kind[S, told]{
		Type: o.kind("late"),
		Fold: func(s *S, _ workflows.Event, b told) {
			if st := o.At(s, b.Step); st != nil {
				st.Late = &b.Notice
			}
		},
		Tell: func(_ workflows.Event, b told) string { return "It is late; told: " + orNobody(b.To) + "." },
	}
}

func (o Of[S]) reminded() workflows.Kind[S, told] {
	return workflows.Kind[S, told]{
		Type: o.kind("reminded"),
		Fold: func(s *S, _ workflows.Event, b told) {
			if st := o.At(s, b.Step); st != nil {
				st.Reminders = append(slices.Clip(st.Reminders), b.Notice)
			}
		},
		Tell: func(_ workflows.Event, b told) string { return "Reminded: " + orNobody(b.To) + "." },
	}
}
