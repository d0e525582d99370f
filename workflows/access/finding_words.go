package access

import (
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

const cardAsk = "ask"

// cards are one for each of those who are told, one in the channel, and one for whoever was asked.
func (s FoundState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.To {
		out = append(out, s.card(who))
	}
	if s.Channel != "" && (len(s.To) == 0 || s.Owner) {
		c := s.card("")
		c.Name, c.Recipient, c.Buttons, c.Bulk = cardOutcome, s.Channel, nil, true
		out = append(out, c)
	}
	if s.AskedBy != "" {
		out = append(out, s.askCard())
	}
	return out
}

func (s FoundState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Finding " + s.ID}
	if s.Closed() {
		c.Title = "✓ " + workflows.Esc(s.Title())
		c.Lines = []string{s.outcome() + "\n" + workflows.When(s.End.At)}
		c.Fallback = s.Title() + ": " + map[string]string{Gone: "it is as it was before", Undoing: "a request to undo it is open", Expected: "expected"}[s.End.Outcome]
		return c
	}
	c.Title, c.Fallback = "! "+workflows.Esc(s.headline()), s.headline()
	why := "You are told because you look after access to this account"
	if others := without(s.To, who); len(others) > 0 {
		why += "; so are " + workflows.Mentions(others) + ", and one answer is enough"
		if len(others) == 1 {
			why = "You are told because you look after access to this account; so is " + workflows.Mentions(others) + ", and one answer is enough"
		}
	}
	if who == "" {
		why = "Nobody who looks after access to this account can be asked, so the channel is told"
		if s.Owner {
			why = workflows.Mentions(s.To) + " are asked"
			if len(s.To) == 1 {
				why = workflows.Mentions(s.To) + " is asked"
			}
		}
	}
	c.Lines = []string{"Seen at integrator.io, " + workflows.When(s.Begun) + ". " + why + ".", s.how(), s.next()}
	c.Facts = s.facts()
	c.Buttons = s.buttons()
	return c
}

func without(all []string, who string) []string {
	var out []string
	for _, x := range all {
		if x != who {
			out = append(out, x)
		}
	}
	return out
}

// headline says what is different, in plain text.
func (s FoundState) headline() string {
	was, now := readMark(s.Was), readMark(s.Now)
	no := ", and no decision here explains it"
	switch {
	case s.Owner:
		return s.where() + " seems to belong to somebody else than " + s.Email
	case now == nil:
		return s.Email + " has no access to " + s.where() + " any more" + no
	case was == nil && now.Status == workflows.UserPending:
		return s.Email + " was invited to " + s.where() + no
	case was == nil:
		return s.Email + " has access to " + s.where() + no
	case was.Access.Mark() == now.Access.Mark() && now.Disabled:
		return s.Email + " was switched off in " + s.where() + no
	case was.Access.Mark() == now.Access.Mark():
		return s.Email + " was switched on again in " + s.where() + no
	}
	return "The access of " + s.Email + " to " + s.where() + " was changed" + no
}

// how says how it came about, as far as integrator.io tells.
func (s FoundState) how() string {
	if s.Owner {
		return "The recorded owner is listed as a user, and owners never are: somebody in integrator.io has changed the owner without a transfer here."
	}
	if s.Was != absent {
		return "How it came about integrator.io does not tell; its Audit log names who did it."
	}
	text := map[string]string{
		"existing_account_invite":        "Somebody who may manage users invited them.",
		"existing_account_share_request": "They asked for it in integrator.io, and somebody who may manage users granted it.",
		"invited_during_signup":          "They were invited when the account was set up.",
		"new_account_auto_join":          "They joined by themselves: integrator.io lets everyone of a domain join. If nobody shall, an administrator switches that off in integrator.io.",
	}[s.Via]
	if text == "" {
		text = "How it came about integrator.io does not tell; its Audit log names who did it."
	}
	if !s.Since.IsZero() {
		text += " The record there is from " + workflows.When(s.Since) + "."
	}
	return text
}

func (s FoundState) next() string {
	if s.Owner {
		return "Keyholder changes nothing by itself. Expected: the new owner is recorded, as your word. To hand the account back: /io transfer " + s.AccountID + "."
	}
	return "Keyholder changes nothing by itself. Expected: it stays, and is recorded as your decision. Undo: a request " + s.undoWord() + ", which the usual approvers decide."
}

// undoWord says what the request that undoes it asks for.
func (s FoundState) undoWord() string {
	was, now := readMark(s.Was), readMark(s.Now)
	switch {
	case was == nil:
		return "to remove them"
	case now == nil:
		return "to invite them again with what they had"
	case was.Disabled:
		return "to remove them, as they were switched off before"
	case was.Access.Mark() == now.Access.Mark():
		return "to switch them on again"
	}
	return "to give them what they had before"
}

func (s FoundState) facts() []string {
	out := []string{"Before: " + readMark(s.Was).words(), "Now: " + readMark(s.Now).words()}
	if s.NewOwner != "" {
		out = append(out, "No longer listed: "+workflows.Esc(s.NewOwner)+", who may be the new owner")
	}
	if g := s.Decision; g.Workflow != "" {
		last := "no access"
		if g.Mark != "" {
			last = State{}.brief(readAccess(g.Mark))
		}
		line := "Decided last: " + last + ", by " + workflows.Esc(g.Workflow) + ", " + workflows.When(g.Since)
		if !g.Until.IsZero() {
			line += ", until " + workflows.When(g.Until)
		}
		out = append(out, line)
	}
	if s.Alias {
		out = append(out, "It is one of the shared mailboxes of this account.")
	}
	if s.Transfer != "" && !s.Owner {
		out = append(out, "A transfer of this account is open, "+workflows.Esc(s.Transfer)+"; it may have invited them.")
	}
	if s.AskedBy != "" {
		out = append(out, workflows.Mention(s.AskedBy)+" asked "+workflows.Mention(s.Person)+", "+workflows.When(s.AskedAt)+".")
	}
	return out
}

func (s FoundState) buttons() []workflows.Button {
	adopt := workflows.Button{Action: ActAdopt, Label: "Expected", Confirm: &workflows.Confirm{Title: "Expected?",
		Text: "It stays as it is, and is recorded as your decision: " + workflows.Esc(s.Email) + ", " + readMark(s.Now).words() + ".", Yes: "Expected", No: "Back"}}
	if s.Owner {
		adopt.Confirm.Text = "The change of owner is recorded as your word."
	}
	undo := workflows.Button{Action: ActUndo, Label: "Undo…", Style: workflows.Danger}
	if !s.Owner {
		undo.Confirm = &workflows.Confirm{Title: "Undo it?", Text: "This opens a request " + s.undoWord() + ". Others decide it; you asked, so you do not.", Yes: "Ask for it", No: "Back"}
	}
	out := []workflows.Button{adopt, undo}
	if s.AskedBy == "" {
		out = append(out, workflows.Button{Action: ActAskWho, Label: "Ask them"})
	}
	return out
}

// askCard is what the person is asked.
func (s FoundState) askCard() workflows.Card {
	c := workflows.Card{Name: cardAsk, Recipient: s.Person, Round: s.Round, Note: "Finding " + s.ID}
	c.Title = "How did your access to " + workflows.Esc(s.where()) + " come about?"
	c.Fallback = workflows.Plain(c.Title, nil)
	if s.Closed() {
		c.Title, c.Lines = "✓ "+c.Title, []string{s.outcome() + " You need not answer any more."}
		return c
	}
	c.Lines = []string{workflows.Mention(s.AskedBy) + " asks you, because " + workflows.Esc(s.Email) + " is your address. At integrator.io it has " + readMark(s.Now).words() + "; before it had " + readMark(s.Was).words() +
		". No decision here explains it.", "Please write to " + workflows.Mention(s.AskedBy) + " who gave or took it, and what for. Nothing changes until they decide."}
	return c
}

// outcome is the end in a sentence.
func (s FoundState) outcome() string {
	by := workflows.Mention(s.End.By.ID)
	switch {
	case s.End.Outcome == Gone:
		return "It is as it was before (seen at integrator.io), so there is nothing to decide."
	case s.End.Outcome == Undoing:
		return by + " asked to undo it: " + workflows.Esc(s.End.Workflow) + "."
	case s.End.Owner != "":
		return by + " says that " + workflows.Esc(s.End.Owner) + " owns it now."
	}
	return "Expected, says " + by + ": " + workflows.Esc(s.Email) + ", " + readMark(s.Now).words() + "."
}

var findingStories = map[string]func(workflows.Event) (string, error){
	evFound: story(func(_ workflows.Event, b Found) string {
		return workflows.Esc(FoundState{Found: b}.headline()) + ". Before: " + readMark(b.Was).words() + ". Now: " + readMark(b.Now).words() + " (seen at integrator.io)."
	}),
	evMoved: story(func(_ workflows.Event, b movedTo) string {
		return "Now: " + readMark(b.Now).words() + " (seen at integrator.io)."
	}),
	evAskedWho: story(func(e workflows.Event, b askedWho) string {
		return workflows.Mention(e.By.ID) + " asked " + workflows.Mention(b.Person) + "."
	}),
	evSettled: story(func(_ workflows.Event, b Settled) string {
		by := workflows.Mention(b.By.ID)
		switch b.Outcome {
		case Gone:
			return "It was as before again."
		case Undoing:
			return by + " asked to undo it: " + workflows.Esc(b.Workflow) + "."
		}
		if b.Owner != "" {
			return by + " says that " + workflows.Esc(b.Owner) + " owns the account now."
		}
		return by + " took it as expected."
	}),
}

func joinWords(sentences []string) string { return strings.Join(sentences, " ") }
