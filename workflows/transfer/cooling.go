package transfer

import (
	"github.com/keyholder/keyholder/workflows"
)

var evCooled = workflows.Kind[State, workflows.None]{
	Type: "transfer.cooled",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.read(e)
		s.Cooled, s.Until = true, e.At.Add(s.Policy.ConfirmWithin)
		s.Round++
	},
	Tell: workflows.Told[workflows.None]("The time to stop it was over; the checks ran once more."),
}

var evPaused = workflows.Kind[State, workflows.None]{
	Type: "transfer.paused",
	Fold: func(s *State, e workflows.Event, _ workflows.None) {
		s.Paused = true
		s.Round++
	},
	Tell: workflows.Told[workflows.None]("A check held it up."),
}

// coolingStage is the time in which it can be stopped, and the last check behind it.
type coolingStage struct{ plain }

func (coolingStage) now(s State) string {
	switch {
	case s.Paused:
		return "It is confirmed, and a check holds it up."
	case s.Cooled:
		return "It is confirmed, and the checks run once more."
	}
	return workflows.Say("It is confirmed; the time to stop it runs until %t.", s.Until)
}

func (coolingStage) notify(s State, _ string) string {
	switch {
	case s.Paused:
		return "Handing " + s.what() + " is held up by a check"
	case s.Cooled:
		return "Confirmed: hand " + s.what() + "; the checks run once more"
	}
	return "Confirmed: hand " + s.what() + "; it can still be stopped"
}

func (coolingStage) lines(s State, who string) []string {
	var out []string
	if s.rereads() {
		out = append(out, s.unreadLine())
	}
	switch {
	case s.Cooled && s.rereads():
		out = append(out, "✓ Confirmed; the confirmations stand. When the account can be read, it goes on by itself.")
	case !s.Cooled:
		who := "a holder or an administrator"
		if !workflows.Among(s.Requester, s.Holders, s.Admins) {
			who = workflows.Say("%m, %s", s.Requester, workflows.Text(who))
		}
		out = append(out, workflows.Say("✓ Confirmed. Until %u %s can stop it. Then the checks "+
			"run once more and %s.", s.Until, workflows.Text(who), workflows.Text(s.invites())))
	case s.Paused && s.Reading:
		out = append(out, "… The checks run again.")
	case s.Paused:
		line := "! Confirmed, but a check holds it up. As soon as it is mended, the invitation goes out by itself; the confirmations stand."
		if len(s.waivable()) > 0 {
			line += " A holder may waive it with a reason."
		}
		out = append(out, workflows.Say("%s By %u, or this ends.", workflows.Text(line), s.Until))
	case s.Reading && s.Slow:
		out = append(out, workflows.Say("! Confirmed. integrator.io has not answered the last check yet; "+
			"Keyholder goes on asking until %u.", s.asksUntil()))
	default:
		out = append(out, "… Confirmed. The checks run once more, then the invitation goes out.")
	}
	if workflows.Among(who, s.FromPeople) {
		line := "You are told because you own the account now, as " + s.From + ". When " + s.To +
			" accepts, integrator.io gives " + s.From + " the manage role"
		if s.PreviousRole != RoleManage {
			line += "; " + roleWord(s.PreviousRole) + " is agreed and follows"
		}
		out = append(out, line+". The new owner can change or limit that.")
	}
	return out
}

func (coolingStage) facts(s State, who string) []string {
	return append(s.checkLines(who), s.votes()...)
}

func (coolingStage) buttons(s State, who string) []workflows.Button {
	return append(append(asks.Answered(s, who), s.checkButtons(who)...), s.cancelButton(who)...)
}

func (coolingStage) audience(s State) []string {
	return workflows.Union(s.Holders, s.Admins, s.FromPeople)
}

func (coolingStage) late() string {
	return "It was confirmed, but a check was in the way for too long."
}
