package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

const cardMain = "main"

// pageTurn is how long the reader of a page may take until their card says how many rows are left.
const pageTurn = time.Minute

// view computes what the world should show.
func (s PacketState) view() workflows.View {
	v := workflows.View{Cards: s.cards(), Timers: s.timers(), Watches: s.tokenWatches()}
	switch s.Phase {
	case PacketReviewing:
		v.Waiting = s.Reviewers
	case PacketFixing:
		if slices.ContainsFunc(s.Fixes, func(f population.Fix) bool {
			return f.State == population.FixFailed || f.State == population.FixDone
		}) || len(s.revoking()) > 0 {
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
		if f.Action != population.FixTransfer && f.State != population.FixVerified &&
			(first.IsZero() || f.Due.Before(first)) {
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
			left, until := s.nudgeText(*n)
			out = append(out, workflows.Card{Name: fmt.Sprintf("reminder-%d", n.N), Recipient: who, Under: cardMain,
				Title: left, Lines: []string{until}, Note: s.note(),
				Fallback: workflows.Plain(left+" "+until, s.name), Bulk: true})
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
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note(), Title: s.cardTitle(who),
		Bulk: true}
	mine := workflows.Among(who, s.Reviewers)
	switch {
	case !mine && s.Phase == PacketReviewing:
		c.Lines = []string{"This part of the review is with " + workflows.Mentions(s.Reviewers) + " now" +
			s.handoverWhy(who) + ". What was decided before stays. Nothing is asked of you."}
	case s.Phase != PacketReviewing:
		c.Lines = []string{s.outcomeText()}
		if mine && s.Phase != PacketCompleted {
			c.Buttons = []workflows.Button{{Action: ActOpen, Label: "Look at it"}}
		}
	default:
		c.Lines, c.Facts = s.askLines(who), s.factLines()
		sign := workflows.Button{Action: ActSign, Label: "Sign off…", Confirm: s.signQuestion()}
		open := workflows.Button{Action: ActOpen, Label: "Go through the rows", Style: workflows.Primary}
		if len(s.lacking()) == 0 {
			sign.Style, open.Style = workflows.Primary, ""
		} else if s.Turning && len(s.Reviewers) == 1 {
			c.Passing = pageTurn
		}
		c.Buttons = []workflows.Button{open, sign, {Action: ActReassign, Label: "Give it to somebody else…"}}
	}
	c.Fallback = workflows.Plain(c.Title+". "+c.Lines[0], s.name)
	if mine && s.Phase == PacketReviewing {
		c.Fallback = fmt.Sprintf("Review who may use %s: %s, due %s", s.AccountName,
			workflows.Plural(len(s.Rows), "row"), workflows.Plain(workflows.When(s.Due), nil))
	}
	return c
}

// signQuestion is asked before a signature; nil while it would be refused, for that is answered at once.
func (s PacketState) signQuestion() *workflows.Confirm {
	if len(s.lacking()) > 0 {
		return nil
	}
	text := strings.TrimSuffix(s.decidedText(), ".")
	var gone []int
	for i, v := range s.Verdicts {
		if v.Decision == population.Remove {
			gone = append(gone, i+1)
		}
	}
	if len(gone) > 0 {
		text += ": " + s.addresses(gone)
	}
	return &workflows.Confirm{Title: "Sign off?", Text: text + ". You acknowledge that " + Acknowledgement +
		". It does not change any more after this, and stands under your name.", Yes: "Sign off", No: "Not yet"}
}

func (s PacketState) cardTitle(who string) string {
	name := workflows.Esc(s.AccountName) + ", " + s.Period
	switch {
	case s.Phase == PacketReviewing && !workflows.Among(who, s.Reviewers):
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
	why, since := "You are asked because you review this account", s.Assigned.Opened
	for _, h := range s.Handovers {
		if h.To == who {
			why, since = "You are asked because "+s.handoverReason(h), h.At
		}
	}
	if s.InPlaceOf != "" && who == s.Reviewer {
		why = "You are asked because " + workflows.Mention(s.InPlaceOf) + " has delegated to you"
	}
	out := []string{fmt.Sprintf(
		"Each of %s is %s: say whether to keep it, to change it or to remove it. %s.",
		workflows.Plural(len(s.Rows), "row"), s.tokensWord(), why),
		s.dueText(since), s.progress()}
	if others := slices.DeleteFunc(slices.Clone(s.Reviewers), func(r string) bool {
		return r == who
	}); len(others) > 0 {
		out = append(out, workflows.Mentions(others)+" can decide it as well; whoever signs off first ends it.")
	}
	return out
}

// dueText says by when, and what happens to what nobody decides.
func (s PacketState) dueText(since time.Time) string {
	text := "It was due " + workflows.When(s.Due) + "."
	if s.Due.After(since) {
		text = "You have " + workflows.Span(s.Due.Sub(since)) + ", until " + workflows.When(s.Due) + "."
	}
	then := "stays as it is, flagged for the auditors"
	if s.Policy.NoAnswer == population.Remove {
		then = "is removed, only the owner, the mailboxes and exceptions stay"
	}
	if s.Closes.After(s.Due) {
		return text + " It ends for good " + workflows.When(s.Closes) + ": what nobody has decided by then " + then +
			"."
	}
	return text + " What nobody has decided by then " + then + "."
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
			return map[string]string{"replaced": ", because the time for it went by",
				"absent": ", because you are away", "delegated": ", because you delegated",
				"deactivated": "", "reassigned": ": " + workflows.Quote(h.Note)}[h.Why]
		}
	}
	return ""
}

// factLines are the numbers a reviewer wants to see before beginning.
func (s PacketState) factLines() []string {
	privileged, flagged, loose, plain, exceptions := 0, 0, 0, 0, 0
	flags := map[string]bool{}
	for _, r := range s.Rows {
		switch {
		case r.IsToken():
		case r.Privileged:
			privileged++
		case population.AsksReason(r.Flags):
			flagged++
			for _, f := range r.Flags {
				flags[f] = flags[f] || population.AsksReason([]string{f})
			}
		case r.Plain() && !r.Together():
			loose++
		default:
			plain++
		}
		if r.Exception != "" {
			exceptions++
		}
	}
	var out []string
	if privileged > 0 {
		out = append(out, "! "+isAre(privileged)+
			" the owner, a shared mailbox or an administrator: a reason is needed to keep "+themIt(privileged))
	}
	if flagged > 0 {
		var words []string
		for _, f := range sortedKeys(flags) {
			if flags[f] {
				words = append(words, population.FlagText(f))
			}
		}
		out = append(out, fmt.Sprintf("! %d with a flag (%s): a reason is needed to keep %s", flagged,
			strings.Join(words, "; "), themIt(flagged)))
	}
	if loose > 0 {
		out = append(out, fmt.Sprintf("! %d with %s: no reason is needed to keep %s, but each is decided by itself",
			loose,
			population.FlagText(population.FlagNoMFAOrSSO), themIt(loose)))
	}
	if plain > 0 {
		out = append(out, fmt.Sprintf("%d without a flag: they can be kept together", plain))
		if plain == 1 {
			out[len(out)-1] = "1 without a flag: no reason is needed to keep it"
		}
	}
	out = append(out, s.tokenFacts()...)
	if exceptions > 0 {
		out = append(out, "! "+workflows.Plural(exceptions, "row")+
			" may concern you or a mailbox of yours, and nobody else can decide: only keep counts there, with a reason, listed as an exception")
	}
	return out
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

func themIt(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// progress is how far it is.
func (s PacketState) progress() string {
	left := s.lacking()
	switch {
	case len(left) > 0:
	case len(s.Rows) == 1:
		return "The row is decided; it is not signed off yet."
	default:
		return "All " + workflows.Plural(len(s.Rows), "row") + " are decided; it is not signed off yet."
	}
	administer := 0
	for _, n := range left {
		if population.CanAdminister(s.Rows[n-1]) {
			administer++
		}
	}
	text := fmt.Sprintf("%d of %s left.", len(left), workflows.Plural(len(s.Rows), "row"))
	switch {
	case administer == 1 && len(left) == 1:
		text += " It can administer the account."
	case administer == 1:
		text += " One of them can administer the account."
	case administer > 1:
		text += fmt.Sprintf(" %d of them can administer the account.", administer)
	}
	return text
}

// decidedText sums up what was decided.
func (s PacketState) decidedText() string { return s.Counts().decidedText() }

func (c Counts) decidedText() string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Keep, "kept"}, {c.Change, "to change"}, {c.Remove, "to remove"}, {c.NoAnswer, "without an answer"},
		{c.Open, "still open"}} {
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
		text += " It was not signed off in time; what nobody decided is flagged for the auditors."
	}
	return text + s.Counts().fixedText()
}

// nudgeText is a reminder: how much is left, and until when.
func (s PacketState) nudgeText(n Nudge) (title, until string) {
	title = fmt.Sprintf("%d of %s left in your review of %s.", n.Open, workflows.Plural(len(s.Rows), "row"),
		workflows.Esc(s.AccountName))
	if n.Open == 0 {
		title = "Everything is decided in your review of " + workflows.Esc(s.AccountName) +
			"; it only has to be signed off."
	}
	left := s.Due.Sub(n.At)
	switch {
	case left > 0:
		until = "It is due " + workflows.When(s.Due) + ", in " + workflows.Span(left) + "."
	case s.Closes.After(n.At):
		until = "It was due " + workflows.When(s.Due) + ", and ends for good " + workflows.When(s.Closes) + ", in " +
			workflows.Span(s.Closes.Sub(n.At)) + "."
		if s.Policy.NoAnswer == population.Remove && n.Open > 0 {
			until += " What is open then is removed."
		}
	}
	return title, strings.TrimSpace(until + " Go on with the buttons on the card above.")
}

// fixCard shows administrators and holders what became of what was decided, and asks them for what only people can do.
func (s PacketState) fixCard(who string) workflows.Card {
	name := workflows.Esc(s.AccountName) + ", " + s.Period
	card := workflows.Card{Name: "fixes", Recipient: who, Round: s.Round, Note: s.note(), Bulk: true,
		Title: "Decided in the review of " + name}
	if s.Phase == PacketCompleted {
		card.Title = "✓ Carried out: what was decided in the review of " + name
	}
	if text := s.Counts().fixedText(); text != "" {
		card.Lines = append(card.Lines, strings.TrimSpace(text))
	}
	failed, word, open := 0, 0, 0
	for i, f := range s.Fixes {
		switch {
		case f.Action == population.FixTransfer:
		case f.Action == population.FixRevoke && f.State != population.FixDone: // asked for by itself
		case f.State == population.FixPending:
			open++
		case f.State == population.FixFailed:
			failed++
		case f.State == population.FixDone && f.Who != who:
			word++
		}
		if i < maxFixLines {
			card.Facts = append(card.Facts, s.fixLine(f))
		}
	}
	if more := len(s.Fixes) - maxFixLines; more > 0 {
		card.Facts = append(card.Facts, fmt.Sprintf("and %d more", more))
	}
	card.Fallback = card.Title
	if s.Phase == PacketFixing {
		s.askManagers(&card, failed, word, open)
	}
	card.Fallback = workflows.Plain(card.Fallback, s.name)
	return card
}

// maxFixLines is how many remedies a card lists.
const maxFixLines = 20

// askManagers adds what is asked: to confirm what is only somebody's word, to begin again what
// failed, to look at what is late.
func (s PacketState) askManagers(card *workflows.Card, failed, word, open int) {
	name := workflows.Esc(s.AccountName)
	s.askRevoking(card)
	switch {
	case s.Late && open == 0:
		card.Lines = append(card.Lines, "! What is not verified yet was due "+workflows.When(s.firstDue())+".")
	case s.Late:
		card.Lines = append(card.Lines, "! The first of what is not done was due "+workflows.When(s.firstDue())+
			". The card of each change says what it waits for; its ID stands below.")
		card.Fallback = "Late: a change that was decided in the review of " + name
	}
	if word > 0 {
		card.Lines = append(card.Lines, "! "+workflows.Plural(word, "change")+
			" rest on one person's word. Look under Users in integrator.io and confirm; a fresh list on the card of the review shows it as well.")
		if word == 1 {
			card.Lines[len(card.Lines)-1] =
				"! 1 change rests on one person's word. Look under Users in integrator.io and confirm; a fresh list on the card of the review shows it as well."
		}
		card.Buttons = append(card.Buttons, workflows.Button{Action: ActConfirm, Label: "I confirm it",
			Confirm: &workflows.Confirm{Title: "Do you confirm it?",
				Text: "You have looked in integrator.io, under Users, and everything that somebody else said is done is so. This is recorded under your name.", Yes: "It is so", No: "Not yet"}})
		card.Fallback = "Confirm what was done after the review of " + name + ": " + workflows.Plural(word, "change")
	}
	if failed > 0 {
		card.Lines = append(card.Lines, "! "+workflows.Plural(failed, "change")+
			" failed. Remove the cause, then begin again; nothing happens until then.")
		card.Buttons = append(card.Buttons, workflows.Button{Action: ActRetry, Label: "Begin again what failed",
			Style: workflows.Primary})
		card.Fallback = "Failed after the review of " + name + ": " + workflows.Plural(failed, "change") +
			" to begin again"
	}
	if s.Late || failed+word > 0 || len(s.revoking()) > 0 {
		why := "You are asked because you administer the account or hold its mailbox."
		if others := slices.DeleteFunc(s.managers(), func(id string) bool {
			return id == card.Recipient
		}); len(others) > 0 {
			why += " The same card went to " + workflows.Mentions(others) + "."
		}
		card.Lines = append(card.Lines, why)
	}
}

// fixLine is one remedy, with how it is known.
func (s PacketState) fixLine(f population.Fix) string {
	r := s.Rows[f.Row-1]
	what := "remove " + workflows.Esc(r.Email)
	switch {
	case f.Action == population.FixRevoke && f.State == population.FixPending:
		return s.revokeLine(f)
	case f.Action == population.FixRevoke:
		what = "revoke " + workflows.Esc(r.Subject())
	case f.Action == population.FixChange:
		what = "change " + workflows.Esc(r.Email) + " from " + workflows.Esc(r.Role) + " to " + s.Verdicts[f.Row-1].Role
	case f.Action == population.FixTransfer && r.Kind == population.KindOwner:
		return "! another owner is wanted than " + workflows.Esc(r.Email) + s.because(f) +
			": nothing is done by itself, {command} transfer " + workflows.Esc(s.AccountID) + " asks for it"
	case f.Action == population.FixTransfer:
		return "! another mailbox is wanted than " + workflows.Esc(r.Email) + s.because(f) +
			": whoever operates Keyholder changes it in the configuration"
	}
	if r.Environment != "" {
		what += " (" + workflows.Esc(r.Environment) + ")"
	}
	switch f.State {
	case population.FixDone:
		return "✓ " + what + ": done, " + s.says(f) + "; not verified yet"
	case population.FixVerified:
		return "✓ " + what + ": done, " + s.seenBy(f)
	case population.FixFailed:
		return "✗ " + what + ": " + or(f.Why, "it failed")
	}
	tail := ": by " + workflows.When(f.Due)
	if f.Access != "" {
		tail += " (" + f.Access + ")"
	}
	return "… " + what + tail
}

func (s PacketState) because(f population.Fix) string {
	if why := s.Verdicts[f.Row-1].Reason; why != "" {
		return " (" + workflows.Quote(why) + ")"
	}
	return ""
}

func (s PacketState) says(f population.Fix) string {
	if f.Who == "" {
		return "as a person says"
	}
	return workflows.Mention(f.Who) + " says so"
}

// seenBy says how it is known that a remedy is carried out: acted, verified, attested and confirmed.
func (s PacketState) seenBy(f population.Fix) string {
	by := "confirmed by " + workflows.Mention(f.Verified)
	if strings.HasPrefix(f.Verified, freshList) {
		by = "a fresh list shows it"
	}
	switch {
	case f.Verified != "" && f.Who != "":
		return workflows.Mention(f.Who) + " says so, " + by
	case f.Verified != "":
		return by
	case f.How == workflows.Acted:
		return "Keyholder did it and read it back"
	}
	return "seen at integrator.io"
}

// fixedText is how far the remedies are, with a space before it; "" without any.
func (c Counts) fixedText() string {
	text := ""
	if c.ToFix > 0 {
		text = fmt.Sprintf(" %d of %s carried out.", c.Fixed, workflows.Plural(c.ToFix, "change"))
	}
	if c.Transfers > 0 {
		text += " Another owner or mailbox is wanted: that is for people to ask for."
	}
	return text
}
