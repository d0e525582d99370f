package drift

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

const (
	cardOutcome = "outcome" // in the channel
	cardAsk     = "ask"     // to whoever is asked
)

func (s FoundState) view() workflows.View {
	v := workflows.View{Cards: s.cards()}
	if !s.Closed() {
		v.Waiting = s.To
	}
	return v
}

// cards are one for each of those who are told, one in the channel, and one for whoever was asked.
func (s FoundState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.To {
		out = append(out, s.card(who))
	}
	if s.Channel != "" && (len(s.To) == 0 || s.Owner) {
		c := s.card("")
		c.Lines = append(c.Lines, c.Details...) // the channel has no buttons, so none that shows them
		c.Name, c.Recipient, c.Buttons, c.Details, c.Bulk = cardOutcome, s.Channel, nil, nil, true
		out = append(out, c)
	}
	if s.Asking.Person != "" {
		out = append(out, s.askCard())
	}
	return out
}

func (s FoundState) card(who string) workflows.Card {
	c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Finding " + s.ID}
	if s.Closed() {
		c.Title = "✓ " + workflows.Esc(s.Title())
		c.Lines = []string{s.outcome() + workflows.Say(" Ended %t.", s.Over)}
		c.Fallback = s.Title() + ": " + map[string]string{Gone: "it is as it was before",
			Explained: "a decision explains it by now", Reviewed: "undone by a review",
			Undone:   "a request to undo it is open",
			Expected: "expected"}[s.End.Outcome]
		return c
	}
	c.Title, c.Fallback = "! "+workflows.Esc(s.headline()), s.headline()
	why := "You are told because you look after access to this account"
	if others := without(s.To, who); len(others) > 0 {
		are := "; so are "
		if len(others) == 1 {
			are = "; so is "
		}
		why += are + workflows.Mentions(others)
		if s.Taking.Quorum < 2 {
			why += ", and one answer is enough"
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
	c.Lines = []string{"Seen at integrator.io, " + workflows.When(s.Begun) + ". " + why + ".", s.whoDid(),
		"Keyholder changes nothing by itself." + s.Taking.Word()}
	if s.Owner { // the list of users is all that speaks for it
		c.Lines = slices.Insert(c.Lines, 1, s.how())
	} else {
		c.Details = []string{s.how()}
	}
	c.Details = append(c.Details, s.next())
	c.Facts = s.facts()
	c.Buttons = s.buttons(who)
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
	was, now := workflows.ReadMark(s.Was), workflows.ReadMark(s.Now)
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

// how says how their access once came about, as far as integrator.io's list of users tells.
func (s FoundState) how() string {
	if s.Owner {
		return "The recorded owner is listed as a user, and owners never are: somebody in integrator.io has " +
			"changed the owner without a transfer here."
	}
	text := map[string]string{
		"existing_account_invite": "somebody who may manage users invited them",
		"existing_account_share_request": "they asked for it in integrator.io, and somebody who may manage " +
			"users granted it",
		"invited_during_signup": "they were invited when the account was set up",
		"new_account_auto_join": "they joined by themselves: integrator.io lets everyone of a domain " +
			"join; if nobody shall, an administrator switches that off there",
	}[s.Via]
	switch {
	case text != "":
	case s.Via != "":
		text = "integrator.io calls it " + workflows.Quote(s.Via)
	default:
		text = "integrator.io does not tell"
	}
	first := "How they got in: "
	if s.Was != workflows.Absent {
		first = "How they once got in: "
	}
	text = first + text + "."
	if !s.Created.IsZero() {
		text += " The record there is from " + workflows.When(s.Created) + "."
	}
	return text
}

// whoDid says who did it, as far as the audit log tells.
func (s FoundState) whoDid() string {
	switch {
	case s.Traces > 0:
		return "… Who did it is being looked up in integrator.io's audit log."
	case s.Log == nil:
		return "Who did it is in integrator.io's audit log."
	}
	return s.Log.words()
}

// words are the audit log's in a sentence.
func (t traced) words() string {
	switch {
	case t.Code != "":
		return "Who did it could not be read in integrator.io's audit log, because " + untracedWord(t.Code) + "."
	case t.Trace == nil || t.Trace.Email == "":
		return "Who did it: integrator.io's audit log holds nothing about it."
	}
	who := workflows.Esc(t.Trace.Email)
	switch {
	case t.Doer != "":
		who = workflows.Mention(t.Doer) + " (" + who + ")"
	case t.Trace.Name != "" && !workflows.SameEmail(t.Trace.Name, t.Trace.Email):
		who = workflows.Esc(workflows.Clip(strings.Join(strings.Fields(t.Trace.Name), " "), 80)) + " (" + who + ")"
	}
	text := "Who did it: " + who
	if !t.Trace.At.IsZero() {
		text += ", " + workflows.When(t.Trace.At)
	}
	if where := sourceWord(t.Trace.Source); where != "" {
		text += ", " + where
	}
	return text + " (seen in the audit log)."
}

// sourceWord says by which way something was done.
func sourceWord(source string) string {
	switch source {
	case "":
		return ""
	case "ui":
		return "in the pages"
	case "api":
		return "through the interface for programs"
	case "sso":
		return "by signing in through SSO"
	case "system":
		return "by integrator.io itself"
	}
	return "by " + workflows.Quote(source)
}

// untracedWord says why the audit log could not be read.
func untracedWord(code string) string {
	switch code {
	case workflows.RefusedForbidden:
		return "the token may not read it; an administrator finds it under Audit log there"
	case workflows.RefusedOther:
		return "integrator.io refused it"
	}
	return workflows.WhyUnread(code)
}

// next says what the buttons lead to.
func (s FoundState) next() string {
	if s.Owner {
		return "*Expected*: the new owner is recorded, as your word. To hand the account back: {command} transfer " +
			s.AccountID + "."
	}
	return "*Expected*: it stays, and is recorded as your decision.\n*Undo*: a request " + s.undoWord() +
		", which the usual approvers decide."
}

// undoWord says what the request that undoes it asks for.
func (s FoundState) undoWord() string {
	was, now := workflows.ReadMark(s.Was), workflows.ReadMark(s.Now)
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
	out := []string{"Before: " + string(words(s.Was)), "Now: " + string(words(s.Now))}
	if s.Address != "" {
		out = append(out, "! "+workflows.Esc(s.Email)+" has another address at integrator.io by now: "+
			""+workflows.Esc(s.Address)+". It is the same user.")
	}
	out = append(out, s.Taking.Lines()...)
	if s.Kept != nil {
		out = append(out, s.Kept.words())
	}
	if s.NewOwner != "" {
		out = append(out, "No longer listed: "+workflows.Esc(s.NewOwner)+", who may be the new owner")
	}
	if g := s.Decision; g.Workflow != "" {
		last := "no access"
		if g.Mark != "" {
			last = workflows.ReadAccessMark(g.Mark).Brief(nil)
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
		out = append(out, "A transfer of this account is open, "+workflows.Esc(s.Transfer)+"; it may have "+
			"invited them.")
	}
	switch {
	case s.Asking.Waits:
		out = append(out, "… "+workflows.Mention(s.Asking.By)+" has somebody asked, as soon as the audit log is read.")
	case s.Asking.By != "" && s.Asking.Person == "":
		out = append(out, workflows.Mention(s.Asking.By)+" wanted somebody to be asked, but nobody can be: "+
			""+s.Asking.Why+". Write to "+workflows.Esc(s.Email)+" yourselves.")
	case s.Asking.By != "":
		line := workflows.Mention(s.Asking.By) + " asked " + workflows.Mention(s.Asking.Person) + ", " +
			workflows.When(s.Asking.At)
		if s.Asking.Why != "" {
			line += ", because " + s.Asking.Why
		}
		out = append(out, line+".")
	}
	return out
}

func (s FoundState) buttons(who string) []workflows.Button {
	adopt := workflows.Button{Action: ActAdopt, Label: "Expected", Confirm: &workflows.Confirm{Title: "Expected?",
		Text: "It stays as it is, and is recorded as your decision: " + workflows.Esc(s.Email) + ", " +
			string(words(s.Now)) + ".", Yes: "Expected", No: "Back"}}
	if s.Owner {
		adopt.Confirm.Text = "The change of owner is recorded as your word."
	}
	undo := workflows.Button{Action: ActUndo, Label: "Undo…", Style: workflows.Danger}
	if !s.Owner {
		undo.Confirm = &workflows.Confirm{Title: "Undo it?", Text: "This opens a request about " +
			workflows.Esc(s.Email) + ": " + s.undoWord() + ". Others decide it; you asked, so you do not.",
			Yes: "Ask for it", No: "Back"}
	}
	out := []workflows.Button{adopt, undo}
	if !s.Taking.May(who) {
		out = out[1:]
	}
	if s.Asking.By == "" {
		label := "Ask them"
		if s.doer() != "" {
			label = "Ask who did it"
		}
		out = append(out, workflows.Button{Action: ActAskWho, Label: label})
	}
	return out
}

// askCard is what the person is asked.
func (s FoundState) askCard() workflows.Card {
	c := workflows.Card{Name: cardAsk, Recipient: s.Asking.Person, Round: s.Round, Note: "Finding " + s.ID}
	c.Title = "How did your access to " + workflows.Esc(s.where()) + " come about?"
	if s.Asking.Doer {
		c.Title = "Did you change the access of " + workflows.Esc(s.Email) + " to " + workflows.Esc(s.where()) + "?"
	}
	c.Fallback = workflows.Plain(c.Title, nil)
	if s.Closed() {
		c.Title, c.Lines = "✓ "+c.Title, []string{s.outcome() + " You need not answer any more."}
		return c
	}
	if s.Asking.Doer {
		c.Lines = []string{workflows.Mention(s.Asking.By) + " asks you, because integrator.io's audit log " +
			"names you as who did it. At integrator.io " + workflows.Esc(s.Email) + " has " +
			string(words(s.Now)) + "; before it had " +
			string(words(s.Was)) + ". No decision here explains it.", "Please write to " +
			workflows.Mention(s.Asking.By) + " what it is for, or that it was not you. Nothing changes " +
			"until they decide."}
		return c
	}
	c.Lines = []string{workflows.Mention(s.Asking.By) + " asks you, because " + workflows.Esc(s.Email) +
		" is your address. At integrator.io it has " + string(words(s.Now)) + "; before it had " +
		string(words(s.Was)) +
		". No decision here explains it.", "Please write to " + workflows.Mention(s.Asking.By) +
		" who gave or took it, and what for. Nothing changes until they decide."}
	return c
}

// outcome is the end in a sentence.
func (s FoundState) outcome() string {
	by, says := workflows.Mention(cmp.Or(s.End.Reviewer, s.End.By.ID)), " says"
	if len(s.Taking.Votes) > 1 {
		by, says = s.Taking.By(cmp.Or(s.End.Reviewer, s.End.By.ID)), " say"
	}
	switch {
	case s.End.Outcome == Gone:
		return "It is as it was before (seen at integrator.io), so there is nothing to decide."
	case s.End.Outcome == Explained:
		return "A decision explains it by now, " + workflows.Esc(s.End.Workflow) + ": " +
			workflows.Esc(s.Email) + ", " + string(words(s.Now)) + "."
	case s.End.Outcome == Reviewed:
		return "Undone by the review " + workflows.Esc(s.End.Review) + ", as " + workflows.Mention(s.End.Reviewer) +
			" decided there: " + workflows.Esc(s.End.Workflow) + " carried it out, and it was read back."
	case s.End.Review != "" && len(s.Taking.Votes) < 2:
		return "Expected: " + workflows.Mention(s.End.Reviewer) + " kept it in the review " +
			workflows.Esc(s.End.Review) +
			": " + workflows.Esc(s.Email) + ", " + string(words(s.Now)) + "."
	case s.End.Outcome == Undone:
		return by + " asked to undo it: " + workflows.Esc(s.End.Workflow) + "."
	case s.End.Owner != "":
		return by + says + " that " + workflows.Esc(s.End.Owner) + " owns it now."
	}
	return "Expected," + says + " " + by + ": " + workflows.Esc(s.Email) + ", " + string(words(s.Now)) + "."
}
