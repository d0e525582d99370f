package offboard

import (
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/step"
)

const (
	cardMain    = "main"
	cardNotice  = "notice"  // in the channel: the start
	cardOutcome = "outcome" // in the channel: the end
)

// view is what the world should show.
func (s State) view() workflows.View {
	v := workflows.View{Cards: s.cards(), Timers: s.timers(), Waiting: s.waiting()}
	if s.Stage == Working {
		every := lookEvery
		if s.Groups {
			every = lookGroups
		}
		v.Watches = []workflows.Watch{{Name: "look", Call: Look.To(s.AccountID, s.ID, workflows.None{}), Every: every}}
	}
	return v
}

// audience is who has a card. Where nothing rests on the person, only who asked.
func (s State) audience() []string {
	if s.Stage == Reading || len(s.Steps) == 0 {
		return []string{s.Requester}
	}
	return s.movers()
}

// waiting are those who can move it on now: whoever holds or administers, while something is open
// that waits for people and not for the day.
func (s State) waiting() []string {
	if s.Stage != Working {
		return nil
	}
	for _, st := range s.left() {
		if kind := kindOf(st.Name); !s.Came.IsZero() || kind != Access && kind != Delegations {
			return s.movers()
		}
	}
	return nil
}

func (s State) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		out = append(out, s.card(who))
	}
	if s.Channel != "" && len(s.Steps) > 0 {
		title := workflows.Say("%m leaves %s", s.Person, s.AccountName)
		out = append(out, workflows.Card{
			Name: cardNotice, Recipient: s.Channel, Title: title, Note: s.note(), Fallback: workflows.Plain(title,
				s.name),
			Lines: []string{workflows.Say(
				"%m began it %t; what rests on them becomes %n. Holders and administrators have a card.",
				s.Requester, s.Begun,
				len(s.Steps), "step")},
		})
		if s.Closed() {
			out = append(out, workflows.Card{
				Name: cardOutcome, Recipient: s.Channel, Title: s.endTitle(), Lines: s.endLines(), Note: s.note(),
				Fallback: workflows.Plain(s.endTitle(), s.name),
			})
		}
	}
	for i, r := range s.Reminders {
		for _, who := range r.To {
			title := workflows.Say("Still open for %m, who leaves %s: %s", s.Person, s.AccountName, s.leftWords())
			out = append(out, workflows.Card{Name: reminderName(i), Recipient: who, Under: cardMain, Title: title,
				Note: s.note(), Bulk: true,
				Fallback: workflows.Plain(title, s.name)})
		}
	}
	return out
}

func (s State) note() string { return "offboarding: " + s.ID }

// name is the person's, for notifications.
func (s State) name(id string) string {
	if id == s.Person {
		return s.PersonName
	}
	return ""
}

func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: s.note()}
	if s.Closed() {
		c.Title, c.Lines = s.endTitle(), s.endLines()
		c.Fallback = workflows.Plain(c.Title, s.name)
		return c
	}
	c.Title = workflows.Say("%m leaves %s", s.Person, s.AccountName)
	c.Fallback = workflows.Plain(c.Title+": "+s.now(), s.name)
	c.Lines = []string{
		workflows.Say("%m asked for it %t. %q", s.Requester, s.Begun, s.Reason),
		workflows.Say("Last day: %s; access ends %t. You are asked because you hold or administer the account.",
			s.Day.Date, s.Day.At),
		s.now(),
	}
	for _, l := range s.Lost {
		c.Lines = append(c.Lines, "! Without them: "+l)
	}
	c.Facts, c.Details = s.facts()
	c.Buttons = s.buttons(who)
	return c
}

// facts are the steps that are open, and how many are not; the details tell of all.
func (s State) facts() (facts, details []string) {
	done := 0
	var all []string
	for _, st := range s.Steps {
		line := s.fact(st)
		all = append(all, line)
		if st.Ok() {
			done++
			continue
		}
		facts = append(facts, line)
	}
	if done == 0 {
		return facts, nil
	}
	word := workflows.Say("✓ %n are done", done, "other step")
	if done == 1 {
		word = "✓ 1 other step is done"
	}
	return append(facts, word), []string{"*All steps*\n" + strings.Join(all, "\n")}
}

func (s State) buttons(who string) []workflows.Button {
	if who == s.Person || !slices.Contains(s.movers(), who) {
		return nil
	}
	var out []workflows.Button
	if s.Stage == Working && len(s.choices(ActDone)) > 0 {
		out = append(out, workflows.Button{Action: ActDone, Label: "This is done…", Style: workflows.Primary})
	}
	if s.Stage == Working && len(s.choices(ActBlocked)) > 0 {
		out = append(out, workflows.Button{Action: ActBlocked, Label: "This does not work…"})
	}
	if s.Stage == Working {
		out = append(out, workflows.Button{Action: ActSettle, Label: "End it as it is", Confirm: &workflows.Confirm{
			Title: "End it with something open?", Yes: "End it", No: "Back",
			Text: "Nobody is reminded any more of what is open; it stays on the last card, and in the record. Requests to remove access go on.",
		}})
	}
	return append(out, workflows.Button{Action: ActCancel, Label: "Cancel…", Style: workflows.Danger})
}

// fact is one step as a line: its mark, what it is, and how it stands.
func (s State) fact(st step.Step) string {
	text := capital(s.what(st.Name))
	switch {
	case st.Seen != nil:
		return "✓ " + text + ": " + workflows.Say("%s (seen %t)", st.Seen.Text, st.Seen.At)
	case st.Ok():
		return "✓ " + text + ": " + workflows.Say("%m says so, %t. %q", st.Done.By, st.Done.At, st.Done.Text)
	case st.Blocked != nil:
		return "✗ " + text + ": " + workflows.Say("%m says that it does not work, %t. %q", st.Blocked.By, st.Blocked.At,
			st.Blocked.Text)
	}
	return "… " + text + ": " + s.remedy(st.Name)
}

// what is a step in the middle of a sentence, in mrkdwn.
func (s State) what(name string) string {
	switch kindOf(name) {
	case Access:
		return workflows.Say("access to %s", strings.TrimPrefix(name, Access+":"))
	case Transfer:
		return workflows.Say("the account itself, owned by %s", s.Owns)
	case Key:
		return "the key"
	case Rules:
		return "the configuration"
	case Delegations:
		return "delegations to and from them"
	case Tokens:
		return "API tokens"
	}
	return workflows.Esc(name)
}

// remedy is what is to be done about a step, or who is at it.
func (s State) remedy(name string) string {
	switch kindOf(name) {
	case Access:
		return s.accessWords(name)
	case Transfer:
		return "hand it to a shared mailbox with `" + workflows.Slash + " transfer " + s.AccountID + "`"
	case Key:
		return workflows.Mention(s.Person) + " " + workflows.List(s.Keeps, "and") +
			". Change what they know, then rehearse it: `" + workflows.Slash + " key " + s.AccountID + " drill`"
	case Rules:
		return workflows.Mention(s.Person) + " " + workflows.List(s.Named, "and") +
			". Whoever operates Keyholder takes them out and starts it again"
	case Delegations:
		return "they end on the last day"
	case Tokens:
		return s.tokenWords()
	}
	return ""
}

// accessWords say how each access of an environment stands.
func (s State) accessWords(name string) string {
	i := slices.IndexFunc(s.Envs, func(e Env) bool { return e.step() == name })
	if i < 0 {
		return ""
	}
	e := s.Envs[i]
	var out []string
	for _, u := range e.Users {
		text := workflows.Say("%s", u.Email)
		if u.Role != "" {
			text += workflows.Say(" (%s)", u.Role)
		}
		switch {
		case !u.Gone.IsZero():
			text += workflows.Say(" removed, %t", u.Gone)
		case u.Ended:
			text += " is still there although `" + u.Request + "` has ended; ask again with `" + workflows.Slash +
				" access " + s.AccountID + "`"
		case u.Request != "":
			text += " is being removed by `" + u.Request + "`"
		}
		out = append(out, text)
	}
	switch {
	case !e.Token:
		out = append(out, "no token reads the users there, so whoever administers looks")
	case e.Code != "":
		out = append(out, workflows.Say("the users cannot be read (%s), so whoever administers looks", e.Code))
	}
	if s.Came.IsZero() {
		out = append(out, "its removal is asked for on the last day")
	}
	return strings.Join(out, "; ")
}

// tokenWords name the tokens that outlive the person: nobody but whoever made them knows who knows their secret.
func (s State) tokenWords() string {
	var names []string
	unread := false
	for _, e := range s.Envs {
		unread = unread || !e.Token || e.TokensCode != ""
		for _, t := range e.Tokens {
			text := workflows.Say("%s in %s, %s", t.Name, e.title(), tokenKind(t.Kind))
			if t.Full {
				text += " with full access"
			}
			names = append(names, text)
		}
	}
	const most = 10
	if n := len(names); n > most {
		names = append(names[:most:most], workflows.Plural(n-most, "more"))
	}
	text := "revoke those that they made or know, and make new ones where something uses them; a personal one dies with its maker's access"
	if len(names) > 0 {
		text = strings.Join(names, "; ") + ": " + text
	}
	if unread {
		text += ". Not all tokens can be read: look at Resources, API tokens"
	}
	return text
}

func tokenKind(kind string) string {
	if kind == workflows.TokenOfPerson {
		return "personal"
	}
	return "of the account"
}
