package question

import (
	"slices"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Kinds are the question's types of events, for the machine's [workflows.NewKinds]: put, voted,
// counted, looking, looked, reminded, escalated, behind the machine's name.
func (o Of[S]) Kinds() []workflows.AnyKind[S] {
	return []workflows.AnyKind[S]{o.put(), o.voted(), o.recounted(), o.looked(), o.lookedOn(), o.reminding(),
		o.escalating()}
}

func (o Of[S]) kind(suffix string) string { return o.Machine + "." + o.named(suffix) }

func (o Of[S]) put() workflows.Kind[S, Question] {
	return workflows.Kind[S, Question]{
		Type: o.kind("asked"),
		Fold: func(s *S, e workflows.Event, b Question) {
			o.At(s).put(b, e)
			if o.Put != nil {
				o.Put(s, e, *o.At(s))
			}
		},
		Tell: func(_ workflows.Event, b Question) string {
			if len(b.Asked) == 0 {
				return "Nobody could be asked to " + o.Words.Verb + "."
			}
			until := ""
			if !b.Ballot.Closes.IsZero() {
				until = " until " + workflows.When(b.Ballot.Closes)
			}
			return "Asked to " + o.Words.Verb + until + ": " + workflows.Mentions(b.Asked) + "."
		},
	}
}

func (o Of[S]) voted() workflows.Kind[S, Answered] {
	return workflows.Kind[S, Answered]{
		Type: o.kind("voted"),
		Fold: func(s *S, e workflows.Event, b Answered) {
			o.At(s).counted(e, b)
			o.At(s).shown(e.By)
		},
		Tell: func(_ workflows.Event, b Answered) string {
			var parts []string
			for _, v := range b.Votes {
				parts = append(parts, o.told(v))
			}
			return workflows.List(parts, "and") + "."
		},
	}
}

// told is a vote in a story: "Ana confirmed in place of Ben: “fine by me”".
func (o Of[S]) told(v approvals.Vote) string {
	text := workflows.Mention(v.By) + " " + o.Words.Past
	if v.Choice == approvals.Refuse {
		text = workflows.Mention(v.By) + " refused"
	}
	if v.By != v.Seat {
		text += " in place of " + workflows.Mention(v.Seat)
	}
	if v.Reason != "" {
		text += ": " + workflows.Quote(v.Reason)
	}
	return text
}

func (o Of[S]) recounted() workflows.Kind[S, Answered] {
	return workflows.Kind[S, Answered]{
		Type: o.kind("counted"),
		Fold: func(s *S, e workflows.Event, b Answered) { o.At(s).counted(e, b) },
		Tell: func(_ workflows.Event, b Answered) string {
			text := "Counted again: nobody is waited for now."
			if len(b.Waiting) > 0 {
				text = "Counted again: asked are " + workflows.Mentions(b.Waiting) + "."
			}
			if len(b.Gone) > 0 {
				text += " No longer asked, as they stand in for nobody any more: " + workflows.Mentions(b.Gone) + "."
			}
			return text
		},
	}
}

func (o Of[S]) looked() workflows.Kind[S, Look] {
	return workflows.Kind[S, Look]{
		Type: o.kind("looking"),
		Fold: func(s *S, _ workflows.Event, b Look) {
			q := o.At(s)
			q.Looks = append(slices.Clip(q.Looks), b)
			q.Called = workflows.Union(q.Called, []string{b.Who})
			q.Asked = workflows.Union(q.Asked, []string{b.Who})
		},
		Tell: func(_ workflows.Event, b Look) string { return workflows.Mention(b.Who) + " is looking at it." },
	}
}

func (o Of[S]) lookedOn() workflows.Kind[S, lookEnd] {
	return workflows.Kind[S, lookEnd]{
		Type: o.kind("looked"),
		Fold: func(s *S, _ workflows.Event, b lookEnd) {
			q := o.At(s)
			q.Looks = slices.DeleteFunc(slices.Clone(q.Looks), func(l Look) bool { return !l.At.After(b.Before) })
		},
		Tell: workflows.Told[lookEnd]("An hour of looking at it is over."),
	}
}

func (o Of[S]) reminding() workflows.Kind[S, Reminder] {
	return workflows.Kind[S, Reminder]{
		Type: o.kind("reminded"),
		Fold: func(s *S, _ workflows.Event, b Reminder) {
			q := o.At(s)
			q.Reminders = append(slices.Clip(q.Reminders), b)
		},
		Tell: func(_ workflows.Event, b Reminder) string { return "Reminded: " + workflows.Mentions(b.To) + "." },
	}
}

func (o Of[S]) escalating() workflows.Kind[S, Escalation] {
	return workflows.Kind[S, Escalation]{
		Type: o.kind("escalated"),
		Fold: func(s *S, _ workflows.Event, b Escalation) { o.At(s).Escalated = &b },
		Tell: func(_ workflows.Event, b Escalation) string {
			if len(b.To) == 0 {
				return "Answers are missing; nobody else could be told."
			}
			return "Told that answers are missing: " + workflows.Mentions(b.To) + "."
		},
	}
}

// IsPut reports whether an event puts the question.
func (o Of[S]) IsPut(e workflows.Event) bool { return o.put().Is(e) }
