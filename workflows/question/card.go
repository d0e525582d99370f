package question

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Lines are what a card says of the question to one person: why they are asked, what is missing, and
// what was answered by whom.
func (o Of[S]) Lines(s S, who string) []string {
	q := o.at(s)
	if q.Began.IsZero() {
		return nil
	}
	var out []string
	if q.IsOpen() {
		out = append(out, strings.TrimSpace(o.why(s, q, who)+" "+o.tally(q)))
	}
	if votes := o.Votes(s); len(votes) > 0 {
		out = append(out, strings.Join(votes, "\n"))
	}
	if q.Escalated != nil && q.IsOpen() && slices.Contains(q.Escalated.To, who) {
		out = append(out, "! "+o.silence(q))
	}
	return out
}

// why is the sentence why somebody is asked, or why not.
func (o Of[S]) why(s S, q Question, who string) string {
	if bar := q.Barred(who); bar != "" {
		return o.barred(bar)
	}
	switch {
	case q.Said(who) == approvals.Approve && !slices.Contains(q.Waiting, who):
		return "Your " + o.Words.Act + " is recorded."
	case !slices.Contains(q.Asked, who):
		return ""
	case !slices.Contains(q.Ballot.Electorate, who):
		return "You are asked because somebody who decides has delegated to you."
	case o.Because != nil:
		return o.Because(s, who)
	}
	return ""
}

// tally counts: "1 of 2 confirmations so far; Ben and Cat can still confirm until …, in 2 days".
func (o Of[S]) tally(q Question) string {
	line := fmt.Sprintf("%d of %s so far", q.Given, workflows.Plural(q.Ballot.Quorum, o.Words.Act))
	if q.Given >= q.Ballot.Quorum && len(q.Unmet) == 0 {
		line += ", but all by one person; a second person has to " + o.Words.Verb
	}
	for _, i := range q.Unmet {
		if i < len(q.Ballot.Lists) {
			line += "; one of " + workflows.List(mentions(q.Ballot.Lists[i]), "or") + " must"
		}
	}
	end := ""
	if !q.Ballot.Closes.IsZero() {
		end = " until " + workflows.Until(q.Ballot.Closes)
	}
	if len(q.Waiting) > 0 {
		line += "; " + workflows.Mentions(q.Waiting) + " can still " + o.Words.Verb + end
	} else {
		line += "; nobody else can " + o.Words.Verb + " just now"
		if end != "" {
			line += ", and it ends " + workflows.Until(q.Ballot.Closes)
		}
	}
	return line + ". One refusal ends it."
}

func mentions(people []string) []string {
	out := make([]string, len(people))
	for i, who := range people {
		out[i] = workflows.Mention(who)
	}
	return out
}

// Votes are the answers and who is looking at it, one line each: "✓ Ana confirmed, …".
func (o Of[S]) Votes(s S) []string {
	q := o.at(s)
	var out []string
	for _, v := range q.Ballot.Votes {
		line := o.line(v, q.proof(v.By))
		if i := slices.IndexFunc(q.Lost, func(l voidedVote) bool { return l.Seat == v.Seat && l.By == v.By }); i >= 0 {
			line += "; it does not count now: " + o.lost(q.Lost[i].Why)
		}
		out = append(out, line)
	}
	if !q.IsOpen() {
		return out
	}
	for _, l := range q.Looks {
		out = append(out, "… "+workflows.Mention(l.Who)+" is looking at it, since "+workflows.TimeOfDay(l.At))
	}
	return out
}

// proof says that somebody answered with one.
func (q Question) proof(who string) string {
	if slices.Contains(q.Proven, who) {
		return ", " + workflows.WithProof
	}
	return ""
}

// Vote is one answer in a line: "✓ Ana confirmed (…)"; proven: whoever gave it had shown who they are.
func (o Of[S]) Vote(v approvals.Vote, proven bool) string {
	if proven {
		return o.line(v, ", "+workflows.WithProof)
	}
	return o.line(v, "")
}

func (o Of[S]) line(v approvals.Vote, proof string) string {
	mark := "✓ "
	if v.Choice == approvals.Refuse {
		mark = "✗ "
	}
	return mark + o.told(v) + " (" + workflows.When(v.At) + proof + ")"
}

// lost says why a vote no longer counts.
func (o Of[S]) lost(why string) string {
	switch why {
	case approvals.CodeBarred:
		return "who said so turned out to be one of those it is about"
	case CodeRemoved:
		return "the configuration no longer names them"
	case approvals.WhyNoDelegation:
		return "nobody delegated it to them"
	}
	return "they are not an active full member"
}

// Buttons are those of somebody who can answer.
func (o Of[S]) Buttons(s S, who string) []workflows.Button {
	q := o.at(s)
	if !q.IsOpen() || q.Barred(who) != "" || !slices.Contains(q.Asked, who) {
		return nil
	}
	waited, said := slices.Contains(q.Waiting, who), q.Said(who)
	if !waited && !slices.Contains(q.Able, who) {
		return nil
	}
	free := waited && o.held(s) == ""
	out := o.Answered(s, who)
	if free {
		out = []workflows.Button{
			{Action: o.action(o.Yes), Label: o.label(s), Style: workflows.Primary, Confirm: o.Words.Sure},
		}
	}
	out = append(out, workflows.Button{Action: o.action(actRefuse), Label: "Refuse…", Style: workflows.Danger})
	if free {
		out = append(out, workflows.Button{Action: o.action(actComment),
			Label: title(o.Words.Verb) + " with a comment…"})
	}
	looking := slices.ContainsFunc(q.Looks, func(l Look) bool { return l.Who == who })
	if waited && !looking && said == "" {
		out = append(out, workflows.Button{Action: o.action(actLook), Label: "I am looking at it"})
	}
	return out
}

// Answered is the button that shows somebody's yes in the place of the one by which they gave it, for
// what comes after the question, too: a finger that comes late meets nothing that ends something. It
// is nil for everybody else.
func (o Of[S]) Answered(s S, who string) []workflows.Button {
	q := o.at(s)
	passedOver := slices.ContainsFunc(q.Lost, func(l voidedVote) bool { return l.By == who })
	if q.Said(who) != approvals.Approve || passedOver {
		return nil
	}
	return []workflows.Button{{Action: o.action(actAnswered), Label: "✓ " + title(o.Words.Past)}}
}

func (o Of[S]) label(s S) string {
	if o.Label != nil {
		if label := o.Label(s); label != "" {
			return label
		}
	}
	return cmp.Or(o.Words.Label, title(o.Words.Verb))
}

func title(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// Cards are the reminders and the notes that answers are missing: replies under each person's card
// named under. note is their small print.
func (o Of[S]) Cards(s S, under, note string) []workflows.Card {
	q := o.at(s)
	var out []workflows.Card
	add := func(name, who, text string, lines ...string) {
		out = append(out, workflows.Card{
			Name: o.named(name), Recipient: who, Under: under, Title: text, Lines: lines, Note: note,
			Fallback: workflows.Plain(text, nil), Bulk: true,
		})
	}
	for i, r := range q.Reminders {
		text := fmt.Sprintf("Still open: %s. %d of %s; it ends %s, in %s.", o.Title(s), r.Given,
			workflows.Plural(q.Ballot.Quorum, o.Words.Act), workflows.When(q.Ballot.Closes),
			workflows.Span(q.Ballot.Closes.Sub(r.At)))
		for _, who := range r.To {
			add(fmt.Sprintf("reminder-%d", i+1), who, text)
		}
	}
	if q.Escalated != nil {
		for _, who := range q.Escalated.To {
			add("escalated", who, "Still open, and too few have answered: "+o.Title(s), o.silence(q))
		}
	}
	for i, gone := range q.Gone {
		text := "You are no longer asked: " + o.Title(s) + ". Whoever let you decide in their place has taken " +
			"that back, " +
			"or its time is over."
		for _, who := range gone.Who {
			add(fmt.Sprintf("unasked-%d", i+1), who, text)
		}
	}
	return out
}

// silence says who has not answered, and what somebody who is not asked can do about it.
func (o Of[S]) silence(q Question) string {
	if len(q.Escalated.Open) == 0 {
		return "Nobody is left who could answer; the time to " + o.Words.Verb + " ends " +
			workflows.When(q.Ballot.Closes) + "."
	}
	return "Not answered, " + workflows.When(q.Escalated.At) + ": " + workflows.Mentions(q.Escalated.Open) +
		". The time to " +
		o.Words.Verb + " ends " + workflows.When(q.Ballot.Closes) +
		". You do not decide this, but you can remind them, " +
		"or ask one of them to let somebody decide in their place, by delegating."
}
