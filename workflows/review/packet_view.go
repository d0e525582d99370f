package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

const cardMain = "main"

// view computes what the world should show.
func (s PacketState) view() workflows.View {
	v := workflows.View{Cards: s.cards(), Timers: s.timers()}
	switch s.Phase {
	case PacketReviewing:
		v.Waiting = s.Reviewers
	case PacketFixing:
		if slices.ContainsFunc(s.Fixes, func(f Fix) bool { return f.State == FixFailed || f.State == FixDone }) {
			v.Waiting = s.managers()
		}
	}
	return v
}

func (s PacketState) timers() []workflows.Timer {
	var out []workflows.Timer
	add := func(name string, at time.Time) {
		if !at.IsZero() {
			out = append(out, workflows.Timer{Name: name, At: at.UTC().Truncate(time.Millisecond)})
		}
	}
	switch s.Phase {
	case PacketReviewing:
		add("reminder", s.NextNudge)
		add("people", s.Checked.Add(peopleEvery))
		if s.Escalated < len(s.Policy.Escalate) {
			if at := s.Assigned.Opened.Add(s.Policy.Escalate[s.Escalated]); at.Before(s.Closes) {
				add("escalation", at)
			}
		}
	case PacketFixing:
		if at := s.firstDue(); !s.Late && !at.IsZero() {
			add("late", at)
		}
	}
	return out
}

// firstDue is when the first remedy that is not done is late, zero for none.
func (s PacketState) firstDue() time.Time {
	var first time.Time
	for _, f := range s.Fixes {
		if f.Action != FixTransfer && f.State != FixVerified && (first.IsZero() || f.Due.Before(first)) {
			first = f.Due
		}
	}
	return first
}

// cards builds every message.
func (s PacketState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if n := s.Last; n != nil {
		for _, who := range n.To {
			text := s.nudgeText(*n)
			out = append(out, workflows.Card{Name: fmt.Sprintf("reminder-%d", n.N), Recipient: who, Under: cardMain, Title: text, Note: s.note(),
				Fallback: workflows.Plain(text, s.name), Bulk: true})
		}
	}
	if s.Shown {
		for _, who := range s.managers() {
			out = append(out, s.fixCard(who))
		}
	}
	return out
}

// name is how Slack names a reviewer, "" when it is not known: notification lines do not show mentions as names.
func (s PacketState) name(id string) string { return s.Names[id] }

func (s PacketState) note() string { return "Review " + s.Campaign + ", part " + s.ID }

// card is one reviewer's card, or that of somebody who was followed.
func (s PacketState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note(), Title: s.cardTitle(who), Bulk: true}
	mine := workflows.Among(who, s.Reviewers)
	switch {
	case !mine:
		c.Lines = []string{"This part of the review is with " + workflows.Mentions(s.Reviewers) + " now" + s.handoverWhy(who) + ". Nothing is asked of you."}
	case s.Phase != PacketReviewing:
		c.Lines = []string{s.outcomeText()}
		if s.Phase != PacketCompleted {
			c.Buttons = []workflows.Button{{Action: ActOpen, Label: "Look at it"}}
		}
	default:
		c.Lines, c.Facts = s.askLines(who), s.factLines()
		sign := workflows.Button{Action: ActSign, Label: "Sign off…", Confirm: &workflows.Confirm{Title: "Sign off?",
			Text: workflows.Plain(s.decidedText()+" After this it does not change any more. It is recorded under your name.", nil), Yes: "Sign off", No: "Not yet"}}
		open := workflows.Button{Action: ActOpen, Label: "Go through the rows", Style: workflows.Primary}
		if len(s.lacking()) == 0 {
			sign.Style, open.Style = workflows.Primary, ""
		}
		c.Buttons = []workflows.Button{open, sign, {Action: ActReassign, Label: "Give it to somebody else…"}}
	}
	c.Fallback = workflows.Plain(c.Title+": "+c.Lines[0], s.name)
	return c
}

func (s PacketState) cardTitle(who string) string {
	name := workflows.Esc(s.AccountName) + ", " + s.Period
	switch {
	case !workflows.Among(who, s.Reviewers):
		return "Review of " + name
	case s.Signed != nil:
		return "✓ Reviewed: " + name
	case s.Phase != PacketReviewing:
		return "! The time is over: review of " + name
	}
	title := "Who may still use " + workflows.Esc(s.AccountName) + "? Review of " + s.Period
	if s.Of > 1 {
		title += fmt.Sprintf(", part %d of %d", s.Number, s.Of)
	}
	return title
}

// askLines say what is asked, why you, by when and who else.
func (s PacketState) askLines(who string) []string {
	why := "You are asked because you review this account"
	for _, h := range s.Handovers {
		if h.To == who {
			why = "You are asked because " + s.handoverReason(h)
		}
	}
	if s.InPlaceOf != "" && who == s.Reviewer {
		why = "You are asked because " + workflows.Mention(s.InPlaceOf) + " has delegated to you"
	}
	ask := fmt.Sprintf("For each of %s say: keep, change or remove. %s. It closes %s; what is not decided by then stays as it is, flagged for the auditors.",
		workflows.Plural(len(s.Rows), "row"), why, workflows.When(s.Due))
	if s.Policy.NoAnswer == Remove {
		ask = strings.Replace(ask, "stays as it is, flagged for the auditors", "is removed after a further "+workflows.Span(s.Closes.Sub(s.Due)), 1)
	}
	out := []string{ask, s.progress()}
	if others := slices.DeleteFunc(slices.Clone(s.Reviewers), func(r string) bool { return r == who }); len(others) > 0 {
		out = append(out, workflows.Mentions(others)+" can decide it as well; whoever signs off first ends it.")
	}
	return out
}

func (s PacketState) handoverReason(h Handover) string {
	from := workflows.Mention(h.From)
	text := map[string]string{
		"escalated":   from + " has not finished yet",
		"replaced":    from + " has not finished in time",
		"deactivated": from + " is no longer an active member of this workspace",
		"absent":      from + " is away",
		"delegated":   from + " has delegated to you",
	}[h.Why]
	if h.Why == "reassigned" {
		text = workflows.Mention(h.By) + " gave it to you: " + workflows.Quote(h.Note)
	}
	return text
}

func (s PacketState) handoverWhy(who string) string {
	for _, h := range slices.Backward(s.Handovers) {
		if h.From == who {
			return map[string]string{"replaced": ", because the time for it went by", "absent": ", because you are away", "delegated": ", because you delegated",
				"deactivated": "", "reassigned": ": " + workflows.Quote(h.Note)}[h.Why]
		}
	}
	return ""
}

// factLines are the numbers a reviewer wants to see before beginning.
func (s PacketState) factLines() []string {
	privileged, flagged, plain, exceptions := 0, 0, 0, 0
	for _, r := range s.Rows {
		switch {
		case r.Privileged:
			privileged++
		case AsksReason(r.Flags):
			flagged++
		default:
			plain++
		}
		if r.Exception != "" {
			exceptions++
		}
	}
	var out []string
	if privileged > 0 {
		out = append(out, fmt.Sprintf("! %d can administer or own the account", privileged))
	}
	if flagged > 0 {
		out = append(out, fmt.Sprintf("! %d more with a flag: not signed in for long, pending, switched off, of another domain, …", flagged))
	}
	if plain > 0 {
		out = append(out, fmt.Sprintf("%d without a flag, which can be kept together", plain))
	}
	if exceptions > 0 {
		out = append(out, fmt.Sprintf("! %s about yourself, because nobody else can decide: only keep with a written reason counts, and it is listed as an exception", workflows.Plural(exceptions, "row")))
	}
	return out
}

// progress is how far it is.
func (s PacketState) progress() string {
	left := s.lacking()
	if len(left) == 0 {
		return "All " + workflows.Plural(len(s.Rows), "row") + " are decided; it is not signed off yet."
	}
	administer := 0
	for _, n := range left {
		if s.Rows[n-1].Privileged {
			administer++
		}
	}
	text := fmt.Sprintf("%d of %s left.", len(left), workflows.Plural(len(s.Rows), "row"))
	switch {
	case administer == 1:
		text += " One of them can administer the account."
	case administer > 1:
		text += fmt.Sprintf(" %d of them can administer the account.", administer)
	}
	return text
}

// decidedText sums up what was decided.
func (s PacketState) decidedText() string {
	c := s.Counts()
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Keep, "kept"}, {c.Change, "to change"}, {c.Remove, "to remove"}, {c.NoAnswer, "without an answer"}, {c.Open, "still open"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return fmt.Sprintf("%s: %s.", workflows.Plural(c.Rows, "row"), strings.Join(parts, ", "))
}

// outcomeText is the end of the decisions in a sentence or two.
func (s PacketState) outcomeText() string {
	text := s.decidedText()
	if s.Signed != nil {
		text += " Signed off by " + workflows.Mention(s.Signed.By) + ", " + workflows.When(s.Signed.At) + "."
	} else {
		text += " It was not signed off in time; what nobody decided is flagged."
	}
	if c := s.Counts(); c.ToFix > 0 {
		text += fmt.Sprintf(" %d of %s carried out.", c.Fixed, workflows.Plural(c.ToFix, "change"))
	}
	return text
}

// nudgeText is a reminder: how much is left, until when.
func (s PacketState) nudgeText(n Nudge) string {
	text := fmt.Sprintf("%d of %s left in your review of %s.", n.Open, workflows.Plural(len(s.Rows), "row"), workflows.Esc(s.AccountName))
	if n.Open == 0 {
		text = "Everything is decided in your review of " + workflows.Esc(s.AccountName) + "; it only has to be signed off."
	}
	left := s.Due.Sub(n.At)
	switch {
	case left > 0:
		text += " It closes " + workflows.When(s.Due) + ", in " + workflows.Span(left) + "."
	case s.Closes.After(n.At):
		text += " It was due " + workflows.When(s.Due) + ", and ends for good " + workflows.When(s.Closes) + ", in " + workflows.Span(s.Closes.Sub(n.At)) + "."
	}
	return text + " Go on with the button on the card above."
}

// fixCard shows administrators and holders what became of what was decided.
func (s PacketState) fixCard(who string) workflows.Card {
	c := s.Counts()
	card := workflows.Card{Name: "fixes", Recipient: who, Round: s.Round, Note: s.note(), Bulk: true,
		Title: fmt.Sprintf("Decided in the review of %s, %s: %d of %s carried out", workflows.Esc(s.AccountName), s.Period, c.Fixed, workflows.Plural(c.ToFix, "change"))}
	failed, word := false, false
	for i, f := range s.Fixes {
		failed, word = failed || f.State == FixFailed, word || f.State == FixDone && f.Who != who
		if i < 20 {
			card.Facts = append(card.Facts, s.fixLine(f))
		}
	}
	if more := len(s.Fixes) - 20; more > 0 {
		card.Facts = append(card.Facts, fmt.Sprintf("and %d more", more))
	}
	if s.Late && s.Phase == PacketFixing {
		card.Lines = append(card.Lines, "! The time for it is over: "+workflows.When(s.firstDue())+". Please see to what is open.")
	}
	if s.Phase == PacketFixing {
		if word {
			card.Lines = append(card.Lines, "What is only one person's word counts as verified when another person confirms it, or a fresh list shows it.")
			card.Buttons = append(card.Buttons, workflows.Button{Action: ActConfirm, Label: "I confirm it", Confirm: &workflows.Confirm{Title: "Do you confirm it?",
				Text: "You have looked in integrator.io, under Users, and everything that somebody else said is done is so. This is recorded under your name.", Yes: "It is so", No: "Not yet"}})
		}
		if failed {
			card.Lines = append(card.Lines, "What failed needs a second look: mend the cause and begin it again.")
			card.Buttons = append(card.Buttons, workflows.Button{Action: ActRetry, Label: "Begin again what failed", Style: workflows.Primary})
		}
	}
	card.Fallback = workflows.Plain(card.Title, nil)
	return card
}

func (s PacketState) fixLine(f Fix) string {
	r := s.Rows[f.Row-1]
	mark := map[string]string{FixPending: "…", FixDone: "✓", FixVerified: "✓", FixFailed: "✗"}[f.State]
	what := "remove " + workflows.Esc(r.Email)
	switch f.Action {
	case FixChange:
		what = "change " + workflows.Esc(r.Email) + " from " + r.Role + " to " + s.Verdicts[f.Row-1].Role
	case FixTransfer:
		return "! another owner or mailbox is wanted instead of " + workflows.Esc(r.Email) + ": ask for a transfer of " + workflows.Esc(s.AccountID)
	}
	if r.Environment != "" {
		what += " (" + workflows.Esc(r.Environment) + ")"
	}
	tail := map[string]string{FixPending: "by " + workflows.When(f.Due), FixDone: "done, " + workflows.Mention(f.Who) + " says so", FixVerified: "done and verified", FixFailed: "failed: " + f.Why}[f.State]
	if f.State == FixPending && f.Access != "" {
		tail += " (" + f.Access + ")"
	}
	return mark + " " + what + ": " + tail
}
