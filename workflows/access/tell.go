package access

import (
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

// tell retells one event as a sentence.
func tell(e workflows.Event) string { return workflows.Retell(stories, e) }

// stories has one teller for each type of event.
var stories = map[string]workflows.Teller{
	evRequested: workflows.Tells(func(_ workflows.Event, b Frozen) string {
		s := State{Frozen: b}
		text := workflows.Mention(b.Requester) + " asked: " + workflows.Esc(s.Title())
		if b.Review != "" {
			text = "Decided in the review " + workflows.Esc(b.Review) + " by " + workflows.Mention(b.Requester) + ": " + workflows.Esc(s.Title())
		}
		if b.Review != "" && b.Change != Remove {
			text += ", " + b.Want.Brief(s.Names)
		} else if b.Change != Remove {
			text += ", " + b.Want.Brief(s.Names) + ", for " + s.forWord()
		}
		if b.Urgent {
			text += ", urgent"
		}
		return text + ". " + workflows.Quote(b.Reason)
	}),
	evSlow: workflows.TellsAlways("integrator.io had not answered yet; Keyholder went on asking."),
	evRead: workflows.Tells(func(_ workflows.Event, b read) string {
		switch {
		case !b.OK:
			return "What they had could not be read: " + workflows.WhyUnread(b.Unread) + "."
		case b.User == nil:
			return "They were not a user (seen at integrator.io)."
		}
		return "They had " + b.User.Access().Brief(b.Names) + statusWord(b.User) + " (seen at integrator.io)."
	}),
	evAsking: workflows.Tells(func(_ workflows.Event, b asking) string {
		if len(b.Asked) == 0 {
			return "Nobody could be asked to decide."
		}
		return "Asked to decide until " + workflows.When(b.Closes) + ": " + workflows.Mentions(b.Asked) + "."
	}),
	evAsked: workflows.Tells(func(_ workflows.Event, b asking) string {
		text := "Nobody is asked now."
		if len(b.Asked) > 0 {
			text = "Asked now: " + workflows.Mentions(b.Asked) + "."
		}
		if len(b.Gone) > 0 {
			text += " No longer asked, as they stand in for nobody any more: " + workflows.Mentions(b.Gone) + "."
		}
		return text
	}),
	evVoted: workflows.Tells(func(_ workflows.Event, b voted) string {
		var out []string
		for _, v := range b.Votes {
			line := workflows.Mention(v.By) + " approved"
			if v.Choice == approvals.Refuse {
				line = workflows.Mention(v.By) + " refused: " + workflows.Quote(v.Reason)
			}
			if v.By != v.Seat {
				line += " in place of " + workflows.Mention(v.Seat)
			}
			out = append(out, line)
		}
		return strings.Join(out, "; ") + "."
	}),
	evApproved: workflows.TellsAlways("Approved by enough people."),
	evDoing: workflows.Tells(func(_ workflows.Event, b doing) string {
		if b.Manual {
			return "An administrator was asked to do it in the pages."
		}
		return "integrator.io was asked to do it."
	}),
	evRefused: workflows.Tells(func(_ workflows.Event, b refusal) string {
		switch b.Code {
		case codeSwitchOn:
			return "It was written, but they are switched off there; an administrator was asked to switch them on."
		case codeSwitchOff:
			return "It was written, but they were switched off before; an administrator was asked to switch them off again."
		case codeNotSeen:
			return "integrator.io showed something else: " + workflows.Esc(b.Message) + "."
		}
		return "integrator.io refused it (" + workflows.Esc(b.Code) + ")" + workflows.Quoted(b.Message) + "."
	}),
	evChecking: workflows.Tells(func(e workflows.Event, _ none) string {
		return workflows.Mention(e.By.ID) + " said that it is done; integrator.io was asked to show it."
	}),
	evWritten: workflows.Tells(func(e workflows.Event, b written) string { return "It was done (" + howWord(b.How, e.By.ID) + ")." }),
	evPending: workflows.Tells(func(_ workflows.Event, b until) string {
		return "The invitation is open until " + workflows.When(b.Until) + "."
	}),
	evSeen: workflows.Tells(func(_ workflows.Event, b seen) string {
		return "The invitation was seen as " + workflows.Esc(b.Mark) + "."
	}),
	evActive: workflows.Tells(func(_ workflows.Event, b written) string {
		return "Usable now; it ends " + workflows.When(b.Until) + "."
	}),
	evNoticed: workflows.Tells(func(_ workflows.Event, b Notice) string {
		return "Told of the coming end: " + workflows.Mentions(b.To) + "."
	}),
	evReminded: workflows.Tells(func(_ workflows.Event, b Notice) string { return "Reminded: " + workflows.Mentions(b.To) + "." }),
	evExtending: workflows.Tells(func(_ workflows.Event, b Extension) string {
		return workflows.Mention(b.By) + " asked for more time."
	}),
	evExtended: workflows.Tells(func(_ workflows.Event, b until) string { return "It ends " + workflows.When(b.Until) + " now." }),
	evNotExtended: workflows.Tells(func(_ workflows.Event, b reason) string {
		if b.Left != "" {
			return "No more time was given, as " + workflows.Mention(b.Left) + " is no active member of this Slack any more."
		}
		return "No more time was given: " + workflows.Quote(b.Reason)
	}),
	evStopping: workflows.TellsAlways("It was refused while it was on its way to integrator.io."),
	evRestoring: workflows.Tells(func(_ workflows.Event, b restoring) string {
		why := map[string]string{"time": "The time was over", "early": "Ended early by " + workflows.Mention(b.By), "refused": "Refused by " + workflows.Mention(b.By),
			"cancelled": "Taken back by " + workflows.Mention(b.By), "declined": "The invitation was declined", "expired": "It was not accepted or finished in time",
			endLeft: "Somebody it rests on is no active member of this Slack any more"}[b.Why]
		return why + "; what was before is being restored."
	}),
	evWaiting: workflows.Tells(func(_ workflows.Event, b waiting) string {
		return "Another request was changing this access: " + workflows.Esc(b.On) + ". Next look: " + workflows.When(b.Again) + "."
	}),
	evGoesOn: workflows.TellsAlways("What they have was asked of integrator.io."),
	evAway: workflows.Tells(func(_ workflows.Event, b waiting) string {
		return "It could not be read: " + workflows.WhyUnread(b.Code) + ". Next try: " + workflows.When(b.Again) + "."
	}),
	evLooking: workflows.Tells(func(_ workflows.Event, b looking) string {
		return "It was no longer the access that was expected" + workflows.Quoted(b.Message) + ", so nothing was written; what is there was read."
	}),
	evLeft: workflows.Tells(func(_ workflows.Event, b left) string {
		return workflows.Mention(b.By) + " took what somebody made of it as expected: " + workflows.ReadMark(b.Mark).Words(nil) + "."
	}),
	evTook: workflows.Tells(func(_ workflows.Event, b question.Took) string { return b.Tell() }),
	evRenamed: workflows.Tells(func(_ workflows.Event, b renamed) string {
		return "The user has another address by now: " + workflows.Esc(b.To) + ", before " + workflows.Esc(b.From) + " (seen at integrator.io)."
	}),
	evWatched: workflows.Tells(func(_ workflows.Event, b seen) string {
		if h := workflows.ReadMark(b.Mark); h == nil || h.Access.Role != "" {
			return "While people were asked to do it integrator.io showed: " + h.Words(nil) + "."
		}
		return "While people were asked to do it integrator.io could not be read: " + workflows.WhyUnread(b.Mark) + "."
	}),
	evDeclined: workflows.TellsAlways("The invitation was declined (seen at integrator.io). It can be sent again."),
	evResending: workflows.Tells(func(e workflows.Event, _ none) string {
		return workflows.Mention(e.By.ID) + " had the invitation sent again."
	}),
	evResent: workflows.TellsAlways("integrator.io sent it again."),
	evUnsent: workflows.Tells(func(_ workflows.Event, b refusal) string {
		return "It could not be sent again: " + unsentWord(b.Code) + workflows.Quoted(b.Message) + "."
	}),
	evEscalated: workflows.Tells(func(_ workflows.Event, b Notice) string {
		if len(b.To) == 0 {
			return "Too few had answered; nobody else could be told."
		}
		return "Too few had answered, so these were told: " + workflows.Mentions(b.To) + "."
	}),
	evLate:    workflows.Tells(func(_ workflows.Event, b Notice) string { return "It was not done by " + workflows.When(b.Until) + "." }),
	evDrifted: workflows.TellsAlways("The access was no longer the expected one, so nothing was done; an administrator was asked."),
	evEnded: workflows.Tells(func(e workflows.Event, b Finished) string {
		by := ""
		if b.By.Kind == workflows.ByPerson && b.How == "" {
			by = " by " + workflows.Mention(b.By.ID)
		}
		text := map[string]string{Done: "Done", Ended: "Ended", Refused: "Refused", Cancelled: "Cancelled", Expired: "The time was over", Failed: "Failed"}[b.Outcome] + by
		switch {
		case b.Code == "nothing", b.Code == "not_opened", b.Code == "urgent_takes":
			return text + ": " + b.Message
		case b.Code == codeOvertaken:
			return text + ": a later decision about this access stands, " + workflows.Esc(b.Message) + ", so nothing was changed."
		case b.Code == endLeft && b.Who != "" && b.How == "":
			return "Ended: " + workflows.Mention(b.Who) + " is no active member of this Slack any more."
		case b.Code == "adopted":
			return text + ": the access stays as somebody changed it."
		case b.How != "":
			return text + " (" + howWord(b.How, b.Who) + ")."
		case b.Reason != "":
			return text + ": " + workflows.Quote(b.Reason) + "."
		case b.Code != "":
			text += " (" + workflows.Esc(b.Code) + ")"
		}
		return text + workflows.Quoted(b.Message) + "."
	}),
}

// statusWord says what is unusual about a user.
func statusWord(u *workflows.User) string {
	out := ""
	if u.Status != workflows.UserAccepted {
		out += ", invitation " + workflows.Esc(u.Status)
	}
	if u.Disabled {
		out += ", switched off"
	}
	return out
}
