package step

import (
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// Lines say how a step stands.
func (o Of[S]) Lines(s S, name string) []string {
	st := o.at(s, name)
	if st.Began.IsZero() {
		return nil
	}
	var out []string
	switch {
	case st.Claimed != nil:
		out = append(out, "… "+workflows.Mention(st.Claimed.By)+" is on it since "+workflows.When(st.Claimed.At)+".")
	case st.IsOpen() && st.Done == nil:
		out = append(out, "… This is for "+workflows.Mentions(st.People)+"; nobody is on it yet.")
	}
	if st.Done != nil {
		out = append(out, "✓ "+workflows.Mention(st.Done.By)+" says that it is done "+
			"("+workflows.When(st.Done.At)+"): "+workflows.Quote(st.Done.Text))
	}
	switch {
	case st.Seen != nil && st.Seen.By == "":
		out = append(out, "✓ Seen at integrator.io ("+workflows.When(st.Seen.At)+"): "+workflows.Esc(st.Seen.Text)+".")
	case st.Seen != nil:
		out = append(out, "✓ "+workflows.Mention(st.Seen.By)+" has seen it ("+workflows.When(st.Seen.At)+").")
	case st.Blocked != nil:
		out = append(out, "✗ "+workflows.Mention(st.Blocked.By)+" says that it does not work "+
			"("+workflows.When(st.Blocked.At)+"): "+workflows.Quote(st.Blocked.Text))
	case st.Passed != nil:
		out = append(out, "✗ "+workflows.Mention(st.Passed.By)+" went on without it "+
			"("+workflows.When(st.Passed.At)+").")
	case st.IsOpen() && st.Done != nil:
		out = append(out, "… Somebody else has to see it: "+orNobody(st.seers())+".")
	}
	if !st.IsOpen() {
		return out
	}
	switch {
	case st.Late != nil:
		out = append(out, "! It is late: it was to be done by "+workflows.When(st.Due)+".")
	case !st.Due.IsZero():
		out = append(out, "It is late after "+workflows.When(st.Due)+".")
	}
	return out
}

// Buttons are those that somebody may press on a step.
func (o Of[S]) Buttons(s S, name, who string) []workflows.Button {
	st := o.at(s, name)
	if !st.IsOpen() {
		return nil
	}
	var out []workflows.Button
	add := func(may bool, b workflows.Button) {
		if may {
			out = append(out, b)
		}
	}
	doer, seer := slices.Contains(st.People, who), slices.Contains(st.seers(), who)
	add(doer && st.Done == nil && (st.Claimed == nil || st.Late != nil && st.Claimed.By != who),
		workflows.Button{Action: o.action(Claimed), Label: "I am on it", Style: workflows.Primary})
	add(doer && st.Done == nil, workflows.Button{Action: o.action(Done), Label: o.doneLabel(s, st)})
	add(seer && st.Done != nil, workflows.Button{
		Action: o.action(Seen), Label: "I have seen it", Style: workflows.Primary,
		Confirm: &workflows.Confirm{
			Title: "You have seen it yourself?", Yes: "I have seen it", No: "Not yet",
			Text: "You say, in your own name, that this is done: " + workflows.Clip(workflows.Plain(o.What(s, st),
				nil), 200) + ".",
		},
	})
	add(doer || seer, workflows.Button{Action: o.action(Blocked), Label: "It does not work…", Style: workflows.Danger})
	add(slices.Contains(st.Passers, who), workflows.Button{
		Action: o.action(Passed), Label: "Go on without this",
		Confirm: &workflows.Confirm{
			Title: "Go on without this?", Yes: "Go on", No: "Wait",
			Text: "This step is over then, and the next one begins. The record says that you decided it.",
		},
	})
	return out
}

func (o Of[S]) doneLabel(s S, st Step) string {
	if o.Done != nil {
		if label := o.Done(s, st); label != "" {
			return label
		}
	}
	return "It is done…"
}

// Cards are the notes that a step is late, and the reminders: replies under each person's card.
func (o Of[S]) Cards(s S, name, under, note string) []workflows.Card {
	st := o.at(s, name)
	var out []workflows.Card
	add := func(card string, to []string, text string) {
		for _, who := range to {
			out = append(out, workflows.Card{
				Name: card, Recipient: who, Under: under, Title: text, Note: note, Fallback: workflows.Plain(text,
					nil), Bulk: true,
			})
		}
	}
	if st.Late != nil {
		add("late-"+st.Name, st.Late.To, "! Late: "+o.What(s,
			st)+" ("+o.Title(s)+"). It was to be done by "+workflows.When(st.Due)+".")
	}
	for i, r := range st.Reminders {
		add(fmt.Sprintf("late-%s-%d", st.Name, i+1), r.To, "Still to do: "+o.What(s,
			st)+" ("+o.Title(s)+"). It is late since "+workflows.When(st.Due)+".")
	}
	return out
}
