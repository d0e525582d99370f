package key

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// Names of cards.
const (
	cardMain    = "main"
	cardStart   = "start"
	cardOutcome = "outcome"
)

// view is what people see of a drill, and when it is looked at again.
func (s DrillState) view() workflows.View {
	v := workflows.View{Cards: s.cards()}
	if s.Closed() {
		return v
	}
	v.Timers = append(v.Timers, workflows.Timer{Name: timerEnd, At: s.Until})
	if who, since := s.turn(); who != "" && len(s.Queue) > 0 {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerTurn, At: since.Add(s.Turn)})
	}
	if n := len(s.Reminders); n < len(s.Remind) {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerRemind, At: s.Remind[n]})
	}
	v.Waiting = s.askedNow()
	return v
}

func (s DrillState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.All() {
		out = append(out, s.card(who))
		out = append(out, s.notices(who)...)
	}
	if s.Channel != "" {
		out = append(out, s.channelCard())
	}
	return out
}

// card is what one person sees.
func (s DrillState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Drill " + s.ID}
	if s.Closed() {
		c.Title = s.mark() + " " + workflows.Esc(s.headline())
		c.Lines = []string{s.outcome()}
		c.Facts = s.gapLines()
		c.Fallback = workflows.Plain(s.headline(), nil)
		return c
	}
	mailbox, turn := s.owes(who)
	switch {
	case turn:
		c.Title = "Your turn: sign in as " + workflows.Esc(s.Owner)
	case mailbox:
		c.Title = "Can you read " + workflows.Esc(s.Owner) + "?"
	default:
		c.Title = "Drill of the key of " + workflows.Esc(s.AccountName)
	}
	c.Fallback = workflows.Plain(c.Title, nil)
	c.Lines = s.lines(who, mailbox, turn)
	c.Facts = s.progressLines()
	c.Buttons = s.buttons(who, mailbox, turn)
	c.Details = []string{"*Who has shown what*\n" + strings.Join(s.facts(), "\n"), "*What comes next*\n" +
		"The drill ends when all have answered, at the latest " + workflows.When(s.Until) + ". Fewer than two for the mailbox, the password or " +
		"the second factor is a gap, of which holders and administrators hear with what mends it. What was shown stays in the record."}
	return c
}

// lines say what is asked, why this person, and by when.
func (s DrillState) lines(who string, mailbox, turn bool) []string {
	out := []string{s.asker() + " This drill shows who can still sign in to *" + workflows.Esc(s.AccountName) +
		"* as its owner, before the day on which it matters. It ends by " + workflows.When(s.Until) + "."}
	switch {
	case mailbox && s.Mail && s.LetterAt.IsZero():
		out = append(out, "You are asked because you are a holder of the mailbox. A letter is on its way there, with one word beside "+
			"your name. Open the mailbox and type the word here.")
	case mailbox && s.Mail:
		out = append(out, "You are asked because you are a holder of the mailbox. A letter went there "+
			workflows.When(s.LetterAt)+
			", with one word beside your name. Open the mailbox and type the word here."+s.triesLeft(who))
	case mailbox:
		text := "You are asked because you are a holder of the mailbox. Open it now, then say so here: it is recorded as your word."
		if s.LetterCode != "" {
			text = "The letter could not be sent, so it is your word that counts. " + text
		}
		out = append(out, text)
	}
	switch {
	case turn:
		out = append(out, s.steps(who))
	case slices.Contains(s.Keepers(), who) && s.Keeper[who].How == "":
		out = append(out, "You are also asked to sign in as the owner, one after another, since a second sign-in ends the first. "+
			s.whoseTurn()+" You are told when it is your turn.")
	}
	return out
}

func (s DrillState) asker() string {
	if s.By == "" {
		return "The time for it has come."
	}
	return workflows.Mention(s.By) + " asked for it."
}

func (s DrillState) triesLeft(who string) string {
	if n := s.Tries[who]; n > 0 {
		return fmt.Sprintf(" %s so far; after %d it counts as not proven.", workflows.Plural(n, "wrong word"),
			wordTries)
	}
	return ""
}

// steps are what a keeper does in their turn, as integrator.io's pages have it.
func (s DrillState) steps(who string) string {
	with := "the password and the second factor"
	switch parts := s.parts(who); {
	case len(parts) == 1 && parts[0] == workflows.KeyPassword:
		with = "the password; whoever keeps the second factor helps you"
	case len(parts) == 1:
		with = "the second factor; whoever keeps the password helps you"
	}
	text := "You are asked because you can use " + with + ". Open a private window, sign in to " +
		workflows.Esc(s.host()) + " as " +
		workflows.Esc(s.Owner) + ", open Users under My account, and sign out. Change nothing."
	if len(s.Queue) > 0 {
		_, since := s.turn()
		wait := " wait until you are done, at most until "
		if len(s.Queue) == 1 {
			wait = " waits until you are done, at most until "
		}
		text += " " + workflows.Mentions(s.Queue) + wait + workflows.When(since.Add(s.Turn)) + "."
	}
	return text
}

func (s DrillState) host() string {
	if s.UIHost == "" {
		return "integrator.io"
	}
	return strings.TrimPrefix(strings.TrimPrefix(s.UIHost, "https://"), "http://")
}

// whoseTurn says whose turn it is.
func (s DrillState) whoseTurn() string {
	if who, _ := s.turn(); who != "" {
		return "It is the turn of " + workflows.Mention(who) + "."
	}
	return "It is nobody's turn now."
}

// progressLines say how much is shown, and who could not; the details name everybody.
func (s DrillState) progressLines() []string {
	var counts, cannot []string
	mark := "✓"
	count := func(label string, of []string, answers map[string]Answer) {
		n := 0
		for _, who := range of {
			switch a := answers[who]; {
			case a.Proven():
				n++
			case a.How == "":
				mark = "…"
			default:
				cannot = append(cannot, "✗ "+label+": "+workflows.Mention(who)+a.words())
			}
		}
		if len(of) > 0 {
			counts = append(counts, fmt.Sprintf("%s %d of %d", strings.ToLower(label[:1])+label[1:], n, len(of)))
		}
	}
	count("Mailbox", s.Holders, s.Mailbox)
	count("Password", s.Password, s.Keeper)
	count("Second factor", s.SecondFactor, s.Keeper)
	out := append(cannot, s.absentLines()...)
	if len(counts) > 0 {
		out = append(out, mark+" Shown so far: "+strings.Join(counts, ", "))
	}
	return out
}

// facts list who has shown what.
func (s DrillState) facts() []string {
	var out []string
	list := func(label string, of []string, answers map[string]Answer) {
		if len(of) == 0 {
			return
		}
		var words []string
		for _, who := range of {
			words = append(words, answers[who].mark()+" "+workflows.Mention(who)+answers[who].words())
		}
		out = append(out, label+": "+strings.Join(words, " · "))
	}
	list("Mailbox", s.Holders, s.Mailbox)
	list("Password", s.Password, s.Keeper)
	list("Second factor", s.SecondFactor, s.Keeper)
	return append(out, s.absentLines()...)
}

// absentLines name whom the configuration names and nobody can ask.
func (s DrillState) absentLines() []string {
	var out []string
	for _, id := range slices.Sorted(func(yield func(string) bool) {
		for id := range s.Absent {
			if !yield(id) {
				return
			}
		}
	}) {
		out = append(out, "✗ "+workflows.Mention(id)+" is named in the configuration and cannot be asked ("+
			workflows.Esc(s.Absent[id])+")")
	}
	return out
}

func (a Answer) mark() string {
	switch {
	case a.Proven():
		return "✓"
	case a.How == "":
		return "…"
	}
	return "✗"
}

func (a Answer) words() string {
	switch a.How {
	case workflows.Verified:
		return " (seen)"
	case workflows.Attested:
		return " (says so)"
	case Cannot:
		return " (cannot)"
	case Guessed:
		return " (three wrong words)"
	}
	return ""
}

func (s DrillState) buttons(who string, mailbox, turn bool) []workflows.Button {
	var out []workflows.Button
	if mailbox && s.Mail {
		out = append(out, workflows.Button{Action: ActProve, Label: "Type the word…", Style: workflows.Primary})
	}
	if mailbox && !s.Mail || turn {
		b := workflows.Button{Action: ActAttest, Label: "I can read the mailbox", Style: workflows.Primary}
		swear := "that you have opened the mailbox of " + s.Owner + " just now"
		if turn {
			b.Label, swear = "I signed in as the owner", "that you have signed in as "+s.Owner+" just now"
		}
		if turn && mailbox && !s.Mail {
			b.Label, swear = "I can do both", "that you have opened the mailbox and signed in as "+s.Owner+" just now"
		}
		if mailbox && s.Mail {
			b.Style = ""
		}
		b.Confirm = &workflows.Confirm{Title: "Say so?", Text: "You say " + swear + ". It is recorded as your word.",
			Yes: "Yes, I say so", No: "Back"}
		out = append(out, b)
	}
	if mailbox || turn {
		out = append(out, workflows.Button{Action: ActCannot, Label: "I cannot",
			Confirm: &workflows.Confirm{Title: "You cannot?",
				Text: "It is recorded that you could not, and the administrators see what to mend.", Yes: "I cannot",
				No: "Back"}})
	}
	return append(out, workflows.Button{Action: ActStop, Label: "End the drill", Style: workflows.Danger,
		Confirm: &workflows.Confirm{Title: "End the drill?",
			Text: "It ends for everybody. What was shown so far stays in the record.",
			Yes:  "End it", No: "Back"}})
}

// wordForm asks for the word.
func (s DrillState) wordForm(who string) *workflows.Modal {
	return &workflows.Modal{Callback: DrillForm, Title: "The word of the letter", Submit: "Send", Workflow: s.ID,
		Account: s.AccountID,
		Action:  ActProve, Round: s.Round,
		Intro: []string{"Open the mailbox of " + workflows.Esc(s.Owner) +
			". The letter from Keyholder has one word beside your name." +
			s.triesLeft(who)},
		Inputs: []workflows.Input{{Block: BlockWord, Kind: workflows.InputText, Label: "The word beside your name",
			MaxLength: 60,
			Hint:      "Upper and lower case do not matter."}}}
}

// maxCalled is how many turns a person is called to; later ones change their card in silence, for
// they know of it, and reminders follow.
const maxCalled = 2

// notices are what is said in the thread of a person's card, since changing a card calls nobody.
func (s DrillState) notices(who string) []workflows.Card {
	var out []workflows.Card
	called := 0
	for i, t := range s.Turns {
		if t.Person != who {
			continue
		}
		if called++; i == 0 || called > maxCalled { // the first turn of all begins with the card itself
			continue
		}
		text := "It is your turn to sign in as " + workflows.Esc(s.Owner) + "."
		if !t.To.IsZero() {
			text = "It was your turn to sign in as " + workflows.Esc(s.Owner) + "."
		}
		out = append(out, workflows.Card{Name: fmt.Sprintf("turn-%d", i), Recipient: who, Under: cardMain, Title: text,
			Fallback: workflows.Plain(text, nil)})
	}
	for i, r := range s.Reminders {
		if !slices.Contains(r.To, who) {
			continue
		}
		text := "The drill of " + workflows.Esc(s.AccountName) + " still waits for you, until " +
			workflows.When(s.Until) + ". Please answer on this card."
		if !slices.Contains(s.open(), who) || s.Closed() {
			text = "You were reminded of the drill of " + workflows.Esc(s.AccountName) + " " + workflows.When(r.At) +
				"."
		}
		out = append(out, workflows.Card{Name: fmt.Sprintf("reminder-%d", i), Recipient: who, Under: cardMain,
			Title: text, Bulk: true,
			Fallback: "The drill of " + s.AccountName + " waits for you"})
	}
	if s.Stage == DrillGaps && slices.Contains(s.Lookers(), who) {
		text := workflows.Esc(s.headline()) + ". Look at the card."
		out = append(out, workflows.Card{Name: cardOutcome, Recipient: who, Under: cardMain, Title: "! " + text,
			Lines: s.gapLines(), Fallback: workflows.Plain(text, nil)})
	}
	return out
}

// channelCard is the one post of a drill in the account's channel.
func (s DrillState) channelCard() workflows.Card {
	c := workflows.Card{Name: cardStart, Recipient: s.Channel, Note: "Drill " + s.ID, Bulk: true}
	if s.Closed() {
		c.Title, c.Lines, c.Facts = s.mark()+" "+workflows.Esc(s.headline()), []string{s.outcome()}, s.gapLines()
		c.Fallback = workflows.Plain(s.headline(), nil)
		return c
	}
	c.Title = "… Drill of the key of " + workflows.Esc(s.AccountName)
	c.Lines = []string{s.asker() + " " + s.progress() + " It ends by " + workflows.When(s.Until) + "."}
	c.Fallback = workflows.Plain(c.Title, nil)
	return c
}

// progress says how many have answered.
func (s DrillState) progress() string {
	all := workflows.Union(s.Holders, s.Keepers())
	return fmt.Sprintf("%d of %d have answered.", len(all)-len(s.open()), len(all))
}

func (s DrillState) mark() string {
	switch s.Stage {
	case DrillPassed:
		return "✓"
	case DrillCancelled:
		return "✗"
	}
	return "!"
}

func (s DrillState) headline() string {
	switch s.Stage {
	case DrillPassed:
		return "The key of " + s.AccountName + " can be used by two people or more"
	case DrillCancelled:
		return "The drill of " + s.AccountName + " was ended early"
	}
	return "The drill of " + s.AccountName + " found " + workflows.Plural(len(s.Gaps), "gap")
}

// outcome is how an ended drill came out, in a sentence or two.
func (s DrillState) outcome() string {
	text := fmt.Sprintf("Proven: mailbox by %d, password by %d, second factor by %d.", s.proven(workflows.KeyMailbox),
		s.proven(workflows.KeyPassword), s.proven(workflows.KeySecondFactor))
	if s.Stage == DrillCancelled {
		text = workflows.Mention(s.EndedBy.ID) + " ended it. " + text
	}
	if len(s.Remaining) > 0 {
		text += " No answer from " + workflows.Mentions(s.Remaining) + "."
	}
	return text + " Ended " + workflows.When(s.Over) + "."
}

// gapLines are one line for each gap, with its remedy.
func (s DrillState) gapLines() []string {
	var out []string
	for _, g := range s.Gaps {
		out = append(out, "! "+workflows.Esc(g))
	}
	return out
}
