package key

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// view is what people see of a use, and when it is looked at again.
func (s UseState) view() workflows.View {
	v := workflows.View{}
	timer := ""
	switch {
	case s.Closed():
	case s.Stage == UseAsking:
		timer = timerApprove
		v.Waiting = s.Asked.Waiting
		v.Timers = append(v.Timers, asks.Timers(s)...)
	case s.Stage == UseOut && s.Late.IsZero():
		timer, v.Waiting = timerLate, []string{s.Person}
	case s.Stage == UseOut:
		timer, v.Waiting = timerExplain, workflows.Union([]string{s.Person}, s.explainers(s.Circle))
	default:
		timer, v.Waiting = timerExplain, s.explainers(s.Circle)
	}
	if timer != "" {
		v.Timers = append(v.Timers, workflows.Timer{Name: timer, At: s.Until})
	}
	for _, who := range s.shownTo() {
		v.Cards = append(v.Cards, s.card(who))
		v.Cards = append(v.Cards, s.notices(who)...)
	}
	v.Cards = append(v.Cards, asks.Cards(s, cardMain, "Key "+s.ID)...)
	if s.Channel != "" && !s.Out.IsZero() {
		v.Cards = append(v.Cards, s.channelCard())
	}
	switch s.Stage {
	case UseMisuse:
		v.Cards = append(v.Cards, s.alarm(AlarmMisuse, s.Over).cards(s.Circle, s.Channel, s.shownTo())...)
	case UseUnexplained:
		v.Cards = append(v.Cards, s.alarm(AlarmUnexplained, s.Over).cards(s.Circle, s.Channel, s.shownTo())...)
	}
	return v
}

// shownTo is who has a card: whoever took the key, holders and administrators.
//
// While it is asked for, quiet people have none unless they look at it, and delegates have one.
func (s UseState) shownTo() []string {
	if s.Stage != UseAsking {
		return workflows.Union([]string{s.Person}, s.Lookers(), s.Asked.Asked)
	}
	quiet := func(who string) bool { return workflows.Among(who, s.Asked.Quiet) && !s.Asked.Hears(who) }
	return workflows.Union([]string{s.Person}, s.Asked.Audience(), slices.DeleteFunc(s.Lookers(), quiet))
}

func (s UseState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Key " + s.ID}
	if s.Closed() {
		c.Title = s.mark() + " " + workflows.Esc(s.headline())
		c.Lines = []string{s.outcome() + workflows.Say(" Ended %t.", s.Over)}
		c.Facts = s.evidence()
		c.Fallback = s.headline()
		return c
	}
	c.Title, c.Fallback = workflows.Esc(s.headline()), s.headline()
	c.Lines = []string{s.now()}
	if line := s.asksOf(who); line != "" {
		c.Lines = append(c.Lines, line)
	}
	if s.Stage == UseAsking {
		c.Lines = append(c.Lines, asks.Lines(s, who)...)
	} else {
		c.Facts = s.evidence(s.elsewhere()...)
	}
	c.Buttons = s.buttons(who)
	c.Details = s.details()
	return c
}

// elsewhere is the evidence that a card which is open need not list: what its first line says, and what
// only the details tell.
func (s UseState) elsewhere() []string {
	switch {
	case s.Stage == UseOut && !s.Late.IsZero():
		return []string{factTime, factApproved}
	case s.Stage == UseOut, s.Retro != nil:
		return []string{factTime, factApproved, factWhy}
	}
	return []string{factTime, factApproved, factDone}
}

// details are all that is known of the use, and what comes next.
func (s UseState) details() []string {
	found := "somebody other than " + workflows.Mention(s.Person) + " says what it was: planned, an emergency, or misuse, " +
		"which alarms everybody who holds or administers the account. So does no answer within " +
		workflows.Span(s.Explain) + "."
	next := "When the key is back, " + found
	switch {
	case s.Stage == UseAsking:
		return []string{"*What comes next*\nOnce it is approved, " + workflows.Mention(s.Person) + " has the key for " +
			workflows.Span(s.Length) + " and brings it back here. Then " + found}
	case s.explainable():
		next = strings.ToUpper(found[:1]) + found[1:]
	}
	return []string{"*What is known*\n" + strings.Join(s.evidence(), "\n"), "*What comes next*\n" + next}
}

func (s UseState) mark() string {
	switch s.Stage {
	case UsePlanned, UseEmergency:
		return "✓"
	case UseMisuse, UseUnexplained:
		return "!"
	}
	return "✗"
}

func (s UseState) headline() string {
	switch s.Stage {
	case UseAsking:
		return "May the key of " + s.AccountName + " be taken out?"
	case UseOut:
		if !s.Late.IsZero() {
			return "! The key of " + s.AccountName + " is overdue"
		}
		return "The key of " + s.AccountName + " is out"
	case UseExplaining:
		return "What was the use of the key of " + s.AccountName + "?"
	}
	return "Use of the key of " + s.AccountName + ": " + s.Stage
}

// now says how it stands.
func (s UseState) now() string {
	by := workflows.Mention(s.Person)
	switch s.Stage {
	case UseAsking:
		return by + " asks for it for " + workflows.Span(s.Length) + ": " + workflows.Quote(s.Reason) + "."
	case UseOut:
		if !s.Late.IsZero() {
			return by + " took it out " + workflows.When(s.Out) + " and has not brought it back; its time ended " +
				workflows.When(s.Ends) + "."
		}
		return by + " has it since " + workflows.When(s.Out) + ", until " + workflows.When(s.Ends) + ": " +
			workflows.Quote(s.Reason) + "."
	case UseExplaining:
		if s.Retro != nil {
			return by + " says that the sign-in of " + workflows.When(s.Retro.At) + " was their own: " +
				workflows.Quote(s.Reason) + "."
		}
		return by + " brought it back " + workflows.When(s.Back) + ": " + workflows.Quote(s.Done) + "."
	}
	return s.outcome()
}

// asksOf says what this person can do, why they, and by when.
func (s UseState) asksOf(who string) string {
	may := s.explainers(s.Circle)
	switch {
	case s.Stage == UseAsking && who == s.Person:
		return "Do not sign in before it is approved."
	case s.Stage == UseAsking:
		return ""
	case s.Stage == UseOut && who == s.Person:
		text := "Sign in to integrator.io as " + workflows.Esc(s.Owner) + "."
		if s.Vault != "" {
			text += " The secret is in " + workflows.Esc(s.Vault) + "."
		}
		return text + " When you are done, sign out and bring the key back here: say what you did, and whether the password was changed."
	case !s.explainable():
		return "You are told because you hold or administer the account. When it is back, somebody other than " +
			workflows.Mention(s.Person) + " says what it was."
	case workflows.Among(who, may):
		text := "You are asked because you hold or administer the account and did not use the key yourself. Look at what was done, then say " +
			"what it was by " + workflows.When(s.explainBy()) + "."
		if others := without(may, who); len(others) > 0 {
			text += " One answer is enough; " + workflows.Mentions(others) + " can give it too."
		}
		return text
	}
	if len(may) == 0 {
		return "Nobody is left who may say what it was, so it will stand as unexplained."
	}
	return workflows.Mentions(may) + " can say what it was, by " + workflows.When(s.explainBy()) + "."
}

func (s UseState) buttons(who string) []workflows.Button {
	var out []workflows.Button
	switch {
	case s.Stage == UseAsking:
		return append(asks.Buttons(s, who), workflows.Button{Action: ActCancel, Label: "Take the question back…"})
	case s.Stage == UseOut && who == s.Person:
		out = append(out, workflows.Button{Action: ActBack, Label: "Bring it back…", Style: workflows.Primary})
	}
	if s.explainable() && workflows.Among(who, s.explainers(s.Circle)) {
		out = append(out,
			workflows.Button{Action: ActPlanned, Label: "It was planned", Style: workflows.Primary},
			workflows.Button{Action: ActEmergency, Label: "It was an emergency"},
			workflows.Button{Action: ActMisuse, Label: "It was misuse", Style: workflows.Danger,
				Confirm: &workflows.Confirm{Title: "An alarm?",
					Text: "Everybody who holds or administers the account is alarmed at once.", Yes: "It was misuse",
					No: "Back"}})
	}
	return out
}

// Labels of what is known of a use.
const (
	factWhy      = "Why"
	factTime     = "Time"
	factApproved = "Approved"
	factDone     = "Done"
)

// evidence lists what is known of the use, but for what stands elsewhere.
func (s UseState) evidence(elsewhere ...string) []string {
	var out []string
	add := func(label, text string) {
		if text != "" && !slices.Contains(elsewhere, label) {
			out = append(out, label+": "+text)
		}
	}
	add(factWhy, workflows.Quote(s.Reason))
	if !s.Out.IsZero() && s.Retro == nil {
		add(factTime, workflows.When(s.Out)+" to "+workflows.When(s.Ends))
	}
	switch {
	case s.Retro != nil:
		add(factApproved, "by nobody; it was recorded afterwards")
	case s.Quorum == 0:
		add(factApproved, "nobody is asked before, by the configuration")
	default:
		add(factApproved, workflows.Mentions(s.approvers()))
	}
	if len(s.Seen) > 0 {
		var times []string
		for _, e := range s.Seen {
			times = append(times, workflows.When(e.At))
		}
		add("Sign-ins", strings.Join(times, ", ")+" (seen in integrator.io's audit log)")
	} else if !s.Out.IsZero() && s.Unwatched {
		add("Sign-ins", "not watched, there is no token")
	} else if !s.Out.IsZero() {
		add("Sign-ins", "none seen")
	}
	if !s.Back.IsZero() && s.Retro == nil {
		add(factDone, workflows.Quote(s.Done))
		add("Password", map[string]string{rotatedYes: "changed", rotatedNo: "not changed"}[s.Rotated])
	}
	return out
}

// notices are what is said in the thread of a card, since changing a card calls nobody.
func (s UseState) notices(who string) []workflows.Card {
	var out []workflows.Card
	add := func(name, text string) {
		out = append(out, workflows.Card{Name: name, Recipient: who, Under: cardMain, Title: text,
			Fallback: workflows.Plain(text, nil)})
	}
	if s.Retro == nil && s.Quorum > 0 && !s.Out.IsZero() {
		add("note-out", "The key is out since "+workflows.When(s.Out)+".")
	}
	if !s.Late.IsZero() {
		add("note-late", "! The time of the key ended "+workflows.When(s.Ends)+"; it was not back then.")
	}
	if s.Retro == nil && !s.Back.IsZero() && who != s.Person {
		add("note-back", "The key came back "+workflows.When(s.Back)+".")
	}
	if s.FoundBy != "" && s.FoundBy != who && s.Stage != UseMisuse {
		add("note-found", workflows.Mention(s.FoundBy)+" says that it was "+foundWords[s.Stage]+".")
		out[len(out)-1].Fallback = s.headline() // a notification shows no names
	}
	return out
}

// channelCard is the one post of a use in the account's channel.
func (s UseState) channelCard() workflows.Card {
	c := workflows.Card{Name: cardStart, Recipient: s.Channel, Note: "Key " + s.ID, Bulk: true}
	c.Title, c.Fallback, c.Lines = workflows.Esc(s.headline()), s.headline(), []string{s.now()}
	if s.Closed() {
		c.Title, c.Lines = s.mark()+" "+c.Title, []string{s.outcome() + workflows.Say(" Ended %t.", s.Over)}
	}
	return c
}

// outcome is how it ended.
func (s UseState) outcome() string {
	why := ""
	if s.Why != "" {
		why = ": " + workflows.Quote(s.Why)
	}
	switch s.Stage {
	case UsePlanned, UseEmergency, UseMisuse:
		return workflows.Mention(s.FoundBy) + " found that the use by " + workflows.Mention(s.Person) + " was " +
			foundWords[s.Stage] + "."
	case UseUnexplained:
		return "Nobody said in time what the use by " + workflows.Mention(s.Person) +
			" was, so it stands as unexplained, and everybody was alarmed."
	case UseRefused:
		return workflows.Mention(s.EndedBy.ID) + " refused it" + why + ". The key was not taken out."
	case UseCancelled:
		return workflows.Mention(s.EndedBy.ID) + " took the question back" + why + ". The key was not taken out."
	}
	return "It was not approved in time, so the key was not taken out."
}

// backForm asks what was done.
func (s UseState) backForm() *workflows.Modal {
	return &workflows.Modal{Callback: ActBack, Title: "Bring the key back", Submit: "It is back", Workflow: s.ID,
		Account: s.AccountID,
		Action:  ActBack, Round: s.Round, Intro: []string{"Sign out of integrator.io first."},
		Inputs: []workflows.Input{
			{Block: BlockDone, Kind: workflows.InputText, Label: "What you did", Multiline: true, MaxLength: maxReason,
				Hint: "Somebody else reads it and says what the use was."},
			{Block: BlockRotated, Kind: workflows.InputSelect, Label: "Was the password changed?",
				Options: []workflows.Option{{Value: rotatedYes, Label: "Yes, and the new one is where it is kept"},
					{Value: rotatedNo, Label: "No"}}},
		}}
}

// RequestForm is the form that asks for the key. The account is pre-selected when it was named.
func RequestForm(policies []workflows.Policy, account string) workflows.Modal {
	m := workflows.Modal{Callback: Request, Title: "Take the key out", Submit: "Ask", Account: account,
		Intro: []string{"The owner's sign-in is the master key. Its use is on record: holders and administrators hear of it at once, and somebody " +
			"else says afterwards what it was."}}
	var accounts, lengths []workflows.Option
	var choices []workflows.TimeBox
	for _, p := range policies {
		accounts = append(accounts, workflows.Option{Value: p.ID, Label: p.Name})
		if p.ID == account || account == "" && choices == nil {
			choices = p.Key.For
		}
	}
	for _, c := range choices {
		if c.Length > 0 {
			lengths = append(lengths, workflows.Option{Value: c.Text, Label: workflows.Span(c.Length)})
		}
	}
	first := ""
	if len(lengths) > 0 {
		first = lengths[0].Value
	}
	m.Inputs = []workflows.Input{
		{Block: BlockAccount, Kind: workflows.InputSelect, Label: "Account", Options: accounts, Initial: account,
			Follows: len(policies) > 1},
		{Block: BlockFor, Kind: workflows.InputSelect, Label: "For how long", Options: lengths, Initial: first},
		{Block: BlockReason, Kind: workflows.InputText, Label: "What for", Multiline: true, MaxLength: maxReason,
			Hint: "Everybody who holds or administers the account reads it."},
	}
	return m
}
