package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// timerReread reads again what could not be read.
const timerReread = "read"

// view computes what the world should show.
func (s CampaignState) view() workflows.View {
	v := workflows.View{}
	for _, who := range s.managers() {
		v.Cards = append(v.Cards, s.card(who))
	}
	if s.noticed() {
		v.Cards = append(v.Cards, workflows.Card{Name: cardNotice, Recipient: s.Channel, Round: s.Round,
			Title: s.title(), Lines: []string{s.standLine() + s.signedLine()}, Note: "Review " + s.ID,
			Fallback: s.fallback(), Bulk: true, Passing: s.passing()})
	}
	v.Cards = append(v.Cards, s.exportCards()...)
	if s.Phase == CampaignOpen {
		v.Timers = []workflows.Timer{{Name: "close", At: s.Closes.UTC().Truncate(time.Millisecond)}}
	}
	if next := s.nextReading(); !next.IsZero() {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerReread, At: next.UTC().Truncate(time.Millisecond)})
	}
	if s.Phase == CampaignGathering && (s.needsFile() || len(s.toCount()) > 0) {
		v.Waiting = s.managers()
	}
	return v
}

// cardNotice is the one post that the channel has of a review; what else there is to say is below it.
const cardNotice = "notice"

func (s CampaignState) noticed() bool { return s.Channel != "" && s.Phase != CampaignGathering }

// passing is how long a card may leave out what the campaign says: it goes on by itself, or one remedy
// after another is carried out.
func (s CampaignState) passing() time.Duration {
	c := s.Counts()
	switch s.Phase {
	case CampaignGathering:
		if !s.needsFile() && len(s.toCount()) == 0 && s.nextReading().IsZero() {
			return workflows.Moment
		}
	case CampaignClosing:
		return workflows.Moment
	case CampaignFixing:
		if c.Failed == 0 && c.Fixed < c.ToFix {
			return workflows.Moment
		}
	}
	return 0
}

// signedLine says in the channel that half of the parts, or all, are signed off; each single one would
// be a change that nobody there waits for.
func (s CampaignState) signedLine() string {
	signed := 0
	for _, p := range s.Parts {
		if p.Signed != nil {
			signed++
		}
	}
	if s.Phase != CampaignOpen || len(s.Parts) < 2 || 2*signed < len(s.Parts) {
		return ""
	}
	return " Half of the parts or more are signed off."
}

func (s CampaignState) title() string {
	name := workflows.Esc(s.AccountName) + ", " + s.Period
	switch s.Phase {
	case CampaignGathering:
		if len(s.toCount()) > 0 {
			return "! Review of " + name + " waits until a second person confirms the list of users"
		}
		if s.needsFile() {
			return "! Review of " + name + " needs the list of users"
		}
		return "… Review of " + name + " is being prepared"
	case CampaignOpen:
		return "… Review of " + name
	case CampaignClosing, CampaignFixing:
		return "… Reviewed, being carried out: " + name
	case CampaignCompleted:
		return "✓ Reviewed: " + name
	}
	return "✗ Review of " + name + " could not be held"
}

// standLine is how it stands, in numbers, with nobody's name: it goes to the channel.
func (s CampaignState) standLine() string {
	c := s.Counts()
	switch s.Phase {
	case CampaignOpen:
		text := peopleWord(len(s.reviewersNow())) + " decide on " + workflows.Plural(s.Rows, "row") + ", due " +
			workflows.When(s.Due)
		if len(s.reviewersNow()) == 1 {
			text = strings.Replace(text, "decide", "decides", 1)
		}
		if s.Closes.After(s.Due) {
			return text + "; it ends for good " + workflows.When(s.Closes) + "."
		}
		return text + "."
	case CampaignClosing:
		return "Deciding has ended; the parts are being closed."
	case CampaignFixing, CampaignCompleted:
		return c.decidedText() + c.fixedText()
	case CampaignCancelled:
		return "Nobody's access was reviewed. " + s.Why +
			" When that is mended, an administrator can begin it again: {command} review " + s.AccountID + " start."
	}
	return "The list of users is being read."
}

// fallback is the notification line: it stands alone.
func (s CampaignState) fallback() string {
	if s.Phase == CampaignGathering {
		return workflows.Plain(s.title(), nil)
	}
	return workflows.Plain(s.title()+". "+s.standLine(), func(id string) string { return s.Names[id] })
}

func peopleWord(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func (s CampaignState) reviewersNow() []string {
	var out []string
	for _, p := range s.Parts {
		out = workflows.Union(out, []string{p.Reviewer})
	}
	return out
}

// toCount are the environments whose file waits for a second person.
func (s CampaignState) toCount() []Reading {
	var out []Reading
	for _, r := range s.Readings {
		if r.Source == SourceCSV && r.ConfirmedBy == "" {
			out = append(out, r)
		}
	}
	return out
}

// card is what an administrator or holder sees of the campaign.
func (s CampaignState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Title: s.title(), Note: "Review " + s.ID,
		Bulk: true}
	c.Lines = []string{s.standLine()}
	switch {
	case s.Phase == CampaignGathering:
		c.Lines = s.gatheringLines()
	case s.Phase == CampaignOpen:
		c.Lines = append(c.Lines,
			"You see this because you administer the account or hold its mailbox. Each reviewer has a card of their own; what they decide is carried out when all have signed off, or at the end.")
	}
	c.Facts = append(s.readingFacts(), s.partFacts()...)
	remarks := slices.Clone(s.Notes)
	if s.Counts().Exceptions > 0 { // else they went to somebody whom they do not concern
		remarks = append(slices.Clone(s.Exceptions), remarks...)
	}
	for _, text := range remarks {
		c.Facts = append(c.Facts, "! "+text)
	}
	if len(c.Facts) > 30 {
		c.Facts = append(c.Facts[:29:29], fmt.Sprintf("and %d more lines: %s", len(c.Facts)-29, s.ID))
	}
	c.Buttons = s.buttons(who)
	c.Fallback = s.fallback()
	c.Passing = s.passing()
	return c
}

func (s CampaignState) gatheringLines() []string {
	var out []string
	if s.needsFile() {
		why := "Keyholder has no token for production"
		if s.Slow != "" {
			why = s.Slow
		}
		out = append(out, "! "+strings.ToUpper(why[:1])+why[1:]+
			", so people have to bring the list of its users: a CSV of My account > Users in integrator.io.",
			"You are asked because you administer the account or hold its mailbox. One of you gives the file, another one confirms the number of users; the review waits for that.")
	}
	for _, r := range s.toCount() {
		out = append(out, fmt.Sprintf(
			"! %s gave %s for %s: %s. Does the Users page in integrator.io show as many? Anybody who has this card, except %s, can confirm it; the review waits for that.", workflows.Mention(r.Uploader), workflows.Quote(or(r.File, "a file")),
			workflows.Esc(or(r.Environment, workflows.Production)), workflows.Plural(r.Count, "user"),
			workflows.Mention(r.Uploader)))
		for _, text := range r.Told {
			out = append(out, "! Does the page say so, too? In the file, "+text+".")
		}
	}
	if len(out) == 0 {
		out = append(out, "… The users are being read at integrator.io.")
	}
	return out
}

// readingFacts are where the rows come from, and what was not read.
func (s CampaignState) readingFacts() []string {
	var out []string
	for _, r := range s.Readings {
		name := workflows.Esc(or(r.Environment, workflows.Production))
		switch {
		case r.Excluded != "":
			out = append(out, "! "+name+" is not in this review: "+r.Excluded)
		case r.Source != "":
			behind, unread := r.tokenFacts()
			out = append(out, fmt.Sprintf("✓ %s: %s%s, %s, %s", name, workflows.Plural(r.Count, "user"), behind,
				r.Source,
				workflows.When(r.At)))
			out = append(out, unread...)
			if why := r.Unread[workflows.PartUsers]; why != "" {
				out = append(out, "! "+name+": the list may not be whole, "+workflows.Esc(why))
			}
		}
	}
	for _, email := range sortedKeys(s.Mailboxes) {
		m := s.Mailboxes[email]
		switch {
		case len(m.Differences) > 0:
			text := "! " + workflows.Esc(email) + ": " + strings.Join(m.Differences, "; ")
			if m.Attested != "" {
				text += "; " + workflows.Mention(m.Attested) + " says that exactly the holders can open it"
			}
			out = append(out, text)
		case m.Attested != "":
			out = append(out, "✓ "+workflows.Esc(email)+": "+workflows.Mention(m.Attested)+
				" says that exactly the holders can open it")
		default:
			out = append(out, "✓ "+workflows.Esc(email)+": the mail system and the holders agree")
		}
	}
	return out
}

// partFacts are who reviews how many rows and how far they are.
func (s CampaignState) partFacts() []string {
	var out []string
	for _, p := range s.Parts {
		line := "… " + workflows.Mention(p.Reviewer) + ": " + workflows.Plural(p.Counts.Rows, "row")
		if p.Counts.Privileged > 0 {
			line += fmt.Sprintf(", %d of them privileged", p.Counts.Privileged)
		}
		switch {
		case p.Signed != nil:
			line = fmt.Sprintf("✓ %s: %s, signed off %s", workflows.Mention(p.Signed.By),
				workflows.Plural(p.Counts.Rows, "row"), workflows.When(p.Signed.At))
			if p.Signed.Fast {
				line += " (everything kept in under two seconds a row)"
			}
		case p.Closed:
			line = fmt.Sprintf("! %s: %s, %d without an answer", workflows.Mention(p.Reviewer),
				workflows.Plural(p.Counts.Rows, "row"), p.Counts.NoAnswer)
		}
		if p.Closed && p.Counts.ToFix > 0 {
			line += fmt.Sprintf("; %d of %d carried out", p.Counts.Fixed, p.Counts.ToFix)
			if p.Counts.Failed > 0 {
				line += fmt.Sprintf(", %d failed", p.Counts.Failed)
			}
		}
		out = append(out, line)
	}
	return out
}

func (s CampaignState) buttons(who string) []workflows.Button {
	var out []workflows.Button
	count := slices.ContainsFunc(s.toCount(), func(r Reading) bool { return r.Uploader != who })
	switch {
	case s.Phase == CampaignGathering && count:
		out = append(out, workflows.Button{Action: ActCount, Label: "The page shows as many", Style: workflows.Primary,
			Confirm: &workflows.Confirm{Title: "Do you confirm it?",
				Text: "You have opened My account > Users in integrator.io, without a filter, counted as many users, and found those whom the card names as it says. This is recorded under your name.", Yes: "It is so", No: "Not yet"}})
	case s.needsFile():
		out = append(out, workflows.Button{Action: ActImport, Label: "Give the list…", Style: workflows.Primary})
	}
	if s.Phase == CampaignGathering && len(s.toCount()) > 0 {
		out = append(out, workflows.Button{Action: ActImport, Label: "Give another list…"})
	}
	if (s.Phase == CampaignGathering || s.Phase == CampaignOpen) && slices.ContainsFunc(s.Readings,
		func(r Reading) bool { return r.Tries > 0 }) {
		out = append(out, workflows.Button{Action: ActReread, Label: "Read again"})
	}
	if s.Phase == CampaignFixing {
		out = append(out, workflows.Button{Action: ActImport, Label: "Give a fresh list…"})
	}
	if len(s.Aliases) > 0 && (s.Phase == CampaignGathering || s.Phase == CampaignOpen) {
		out = append(out, workflows.Button{Action: ActDelegates, Label: "Who opens the mailbox…"})
	}
	return out
}
