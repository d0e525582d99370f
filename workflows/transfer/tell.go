package transfer

import (
	"strings"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// tell retells one event as a sentence.
func tell(e workflows.Event) string { return workflows.Retell(stories, e) }

// stories has one teller for each type of event.
var stories = map[string]workflows.Teller{
	evRequested: workflows.Tells(func(e workflows.Event, b Frozen) string {
		who := workflows.Mentions(b.Electorate)
		return workflows.Mention(b.Requester) + " asked to hand " + workflows.Esc(b.AccountName) + " from " + b.From + " to " + b.To + ": " + workflows.Quote(b.Reason) +
			". The previous owner is to have " + roleWord(b.PreviousRole) + ". " + workflows.Plural(b.Policy.Quorum, "confirmation") + " needed, of " + who + "."
	}),
	evSlow:    workflows.TellsAlways("integrator.io had not answered yet; Keyholder went on asking."),
	evChecked: workflows.Tells(func(e workflows.Event, b checked) string { return "The account was checked" + findings(b) }),
	evUnread: workflows.Tells(func(e workflows.Event, b refusal) string {
		return "The account could not be read (" + workflows.Esc(b.Code) + ")" + said(b.Message) + "; Keyholder goes on trying."
	}),
	evDoubted: workflows.TellsAlways("A check got worse; the account is read once more before that decides."),
	evRecheck: workflows.Tells(func(e workflows.Event, _ none) string {
		if e.By.Kind == workflows.ByTimer {
			return "The account was read once more."
		}
		return "The checks were asked for again" + whose(e.By) + "."
	}),
	evWaived: workflows.Tells(func(e workflows.Event, b waived) string {
		var names []string
		for _, key := range b.Checks {
			names = append(names, checkNames[key])
		}
		return workflows.Mention(e.By.ID) + " waived " + workflows.List(names, "and") + ": " + workflows.Quote(b.Reason) + "."
	}),
	evPreparing: workflows.TellsAlways("The new owner is not a user of the account yet; it has to be invited first."),
	evUserInvited: workflows.Tells(func(e workflows.Event, b userInvited) string {
		if b.Sent {
			return "The new owner was invited as a user (Keyholder did it)."
		}
		return "The new owner's invitation as a user was found."
	}),
	evPrepManual: workflows.Tells(func(e workflows.Event, b refusal) string {
		return "integrator.io refused the invitation as a user (" + workflows.Esc(b.Code) + ")" + said(b.Message) + "; a person has to."
	}),
	evClaimed: workflows.Tells(func(e workflows.Event, _ none) string { return workflows.Mention(e.By.ID) + " took the sign-up on." }),
	evUserSeen: workflows.Tells(func(e workflows.Event, b seen) string {
		return "The invitation as a user was seen as " + workflows.Esc(b.Mark) + "."
	}),
	evPrepared: workflows.Tells(func(e workflows.Event, b how) string {
		if b.How == workflows.Attested {
			return workflows.Mention(e.By.ID) + " says that the new owner is a user of the account now."
		}
		return "The new owner is a user of the account now (seen at integrator.io)."
	}),
	evAsking: workflows.Tells(func(e workflows.Event, b asking) string {
		return "Asked to confirm until " + workflows.When(b.Closes) + ": " + workflows.Mentions(b.Asked) + "."
	}),
	evAsked: workflows.Tells(func(e workflows.Event, b asking) string {
		if len(b.Asked) == 0 {
			return "Nobody can be asked to confirm just now."
		}
		return "Asked now: " + workflows.Mentions(b.Asked) + "."
	}),
	evVoted: workflows.Tells(func(e workflows.Event, b voted) string {
		var out []string
		for _, v := range b.Votes {
			line := workflows.Mention(v.By) + " confirmed"
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
	evApproved: workflows.Tells(func(e workflows.Event, b until) string {
		return "Confirmed by enough people. It can be stopped until " + workflows.When(b.Until) + "."
	}),
	evVoided: workflows.Tells(func(e workflows.Event, b voided) string {
		text := "Earlier confirmations no longer count: " + strings.Join(b.Differences, "; ") + "."
		if b.Blocked {
			return text + " A check is in the way, so nobody is asked yet."
		}
		return text + " Asked anew: " + workflows.Mentions(b.Asked) + "."
	}),
	evCooled: workflows.TellsAlways("The time to stop it was over; the checks ran once more."),
	evPaused: workflows.TellsAlways("A check held it up."),
	evInviting: workflows.Tells(func(e workflows.Event, b inviting) string {
		if b.Manual {
			return "The present owner was asked to send the invitation in the pages."
		}
		return "integrator.io was asked to invite the new owner."
	}),
	evInviteRefused: workflows.Tells(func(e workflows.Event, b refusal) string {
		return "integrator.io refused the invitation (" + workflows.Esc(b.Code) + ")" + said(b.Message) + "."
	}),
	evInvited: workflows.Tells(func(e workflows.Event, b invited) string {
		id := ""
		if b.ID != "" {
			id = ", transfer " + workflows.Esc(b.ID)
		}
		return "The new owner was invited (" + howWord(b.How, e.By.ID) + id + "). To accept until " + workflows.When(b.Until) + "."
	}),
	evAcceptedHere: workflows.Tells(func(e workflows.Event, _ none) string {
		return workflows.Mention(e.By.ID) + " accepted for the new owner, here."
	}),
	evSeen: workflows.Tells(func(e workflows.Event, b seen) string {
		if b.Mark == blind {
			return "Keyholder could no longer see the invitation at integrator.io."
		}
		return "The invitation was seen at integrator.io as " + workflows.Esc(b.Mark) + "."
	}),
	evLost: workflows.Tells(func(e workflows.Event, b seen) string {
		return "The invitation was gone at integrator.io (" + workflows.Esc(b.Status) + ")."
	}),
	evTaken:  workflows.TellsAlways("The invitation had been accepted meanwhile, so it was not withdrawn. integrator.io is carrying it out."),
	evResend: byWhom("The invitation was to be sent again"),
	evEnding: workflows.Tells(func(e workflows.Event, b Ending) string {
		text := endingWord(b.Outcome) + whose(b.By) + because(b.Reason)
		switch b.Outcome {
		case Expired:
			text = "The time was over"
		case Failed:
			text = "Failed: " + b.Reason
		}
		if b.TakesBack {
			return text + ". What the transfer gave the new owner was to be taken back at integrator.io."
		}
		return text + ". The invitation was to be withdrawn at integrator.io."
	}),
	evTransferred: workflows.Tells(func(e workflows.Event, b transferred) string {
		return "The owner has changed (" + howWord(b.How, e.By.ID) + ")."
	}),
	evRoleSet: workflows.Tells(func(e workflows.Event, b roleSet) string {
		switch {
		case b.Code != "":
			return "The previous owner's role could not be set (" + workflows.Esc(b.Code) + ")" + said(b.Message) + "."
		case b.Removed:
			return "The previous owner was removed (Keyholder did it)."
		}
		return "The previous owner has " + roleWord(b.Role) + " (Keyholder did it)."
	}),
	evProbed: workflows.Tells(func(e workflows.Event, b probed) string {
		if !b.OK {
			return "The token did not work under the new owner."
		}
		return "The token works under the new owner."
	}),
	evSettling: workflows.Tells(func(e workflows.Event, b settled) string {
		return "Finished" + whose(e.By) + ": " + workflows.Plural(len(b.Done), "point") + " done, " + workflows.Plural(len(b.Open), "point") + " open."
	}),
	evPointsLeft: workflows.Tells(func(_ workflows.Event, b pointsLeft) string {
		return "Open after the handover: " + strings.Join(escaped(pointTexts(b.Points)), "; ") + "."
	}),
	evPointsDone: workflows.Tells(func(e workflows.Event, b pointsDone) string {
		return workflows.Say("%m ticked off %n; %d left.", e.By.ID, len(b.Keys), "point", b.Left)
	}),
	evReminded: workflows.Tells(func(e workflows.Event, b Reminder) string { return "Reminded: " + workflows.Mentions(b.To) + "." }),
	evEnded: workflows.Tells(func(e workflows.Event, b Ended) string {
		text := endingWord(b.Outcome) + whose(b.By) + because(b.Reason) + "."
		switch {
		case b.Outcome == Completed && b.Code == "superseded":
			text = "Closed, because a newer transfer of the account has begun."
		case b.Code == endWaived:
			text = workflows.Say("%m waived what was left: %q.", b.By.ID, b.Reason)
		case b.Outcome == Completed && b.By.Kind == workflows.ByTimer:
			text = "Closed, because the time was over."
		case b.Outcome == Completed:
			text = "The transfer is complete."
		case b.Outcome == Expired:
			text = expiredWhat(b.Stage)
		case b.Code == endLeft:
			text = "Failed: " + b.Message + "."
		case b.Outcome == Failed && b.Reason != "":
			text = "Failed: " + b.Reason + "."
		case b.Outcome == Failed:
			text = "Failed (" + workflows.Esc(b.Code) + ")" + because(b.Message) + "."
		}
		if len(b.Open) > 0 {
			text += " Left open: " + strings.Join(escaped(b.Open), "; ") + "."
		}
		if t := b.TookBack; t != nil {
			text += map[bool]string{true: " What it gave is taken back (Keyholder did it).", false: " What it gave could not be taken back (" + workflows.Esc(t.Code) + ")."}[t.OK]
		}
		if b.Left {
			text += " The invitation may still stand at integrator.io."
		}
		return text
	}),
}

func byWhom(text string) workflows.Teller {
	return func(e workflows.Event) (string, error) { return text + whose(e.By) + ".", nil }
}

// whose names the person behind something, if it was one.
func whose(a workflows.Actor) string {
	switch a.Kind {
	case workflows.ByPerson:
		return " by " + workflows.Mention(a.ID)
	case workflows.ByTimer:
		return ", because the time was over"
	case workflows.ByIntegrator:
		return ", seen at integrator.io"
	}
	return ""
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + workflows.Quote(why)
}

func findingWord(result string) string {
	switch result {
	case Block:
		return "In the way"
	case Unknown:
		return "Not seen"
	}
	return "Worth a look"
}

func findings(b checked) string {
	var bad []string
	if b.Caps.Token == workflows.No {
		bad = append(bad, "There is no token, so nothing could be read")
	}
	for _, c := range b.Checks {
		switch {
		case c.Result == Pass, c.Result == Unknown && b.Caps.Token == workflows.No:
		case c.Result == Block && c.Waivable && workflows.Among(c.Key, b.Waived):
			bad = append(bad, "Waived before: "+c.Text)
		default:
			bad = append(bad, findingWord(c.Result)+": "+c.Text)
		}
	}
	if len(bad) == 0 {
		return "; nothing was in the way."
	}
	return ". " + strings.Join(bad, ". ") + "."
}
