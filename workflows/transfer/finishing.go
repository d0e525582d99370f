package transfer

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// remindOpenEvery is how often people are reminded of what a handover has left open.
const remindOpenEvery = 7 * 24 * time.Hour

// pointsDone ticks some of them off.
type pointsDone struct {
	Keys []string `json:"keys"`
	Left int      `json:"left"`
}

// complete ends the handover, or keeps it where people see it as long as points of it are open.
func (s State) complete(cmd workflows.Command, left []Point, code string) []workflows.Event {
	if len(left) == 0 {
		return []workflows.Event{evEnded.Of(cmd, Ended{Outcome: Completed, By: cmd.Actor, At: cmd.At, Code: code})}
	}
	return []workflows.Event{evEnded.Of(cmd, Ended{
		Outcome: Completed, By: cmd.Actor, At: cmd.At, Code: code, Open: pointTexts(left), Points: left,
	})}
}

// tickOff records points as done; with the last of them the transfer ends.
func (s State) tickOff(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !cmd.Submitted {
		m := s.checklist(cmd)
		m.Title, m.Submit = "What is done?", "Done"
		m.Intro = []string{"Tick what is done by now. What you leave open stays on this card."}
		return workflows.Decision{Reply: workflows.Reply{Modal: m}}, nil
	}
	ticked := strings.Split(cmd.Input[BlockChecklist], "\n")
	var done []string
	left := 0
	for _, p := range s.Settle.Points {
		if slices.Contains(ticked, p.Key) {
			done = append(done, p.Key)
		} else {
			left++
		}
	}
	if len(done) == 0 {
		return workflows.Decision{}, workflows.RefuseField(BlockChecklist, "nothing_ticked",
			"Nothing is ticked, so nothing was recorded. Tick what is done, or close the form.")
	}
	d := evPointsDone.One(cmd, pointsDone{Keys: done, Left: left})
	if left == 0 {
		d.Events = append(d.Events, evPointsClosed.Of(cmd, Ended{Outcome: Completed, By: cmd.Actor, At: cmd.At,
			Code: endTicked}))
	}
	return s.provesKeepers(cmd, f, d, slices.Contains(done, pointCustodians)), nil
}

// Codes of completed transfers whose points were open for a while: all are done, or somebody waived
// the rest.
const (
	endTicked = "ticked"
	endWaived = "waived"
)

// waivePoints ends it with a reason instead.
func (s State) waivePoints(cmd workflows.Command) (workflows.Decision, error) {
	var texts []string
	for _, p := range s.Settle.Points {
		texts = append(texts, workflows.Say("… %s", p.Text))
	}
	why, modal := askWhy(s, cmd, "Waive", "Leave this open for good? Nobody is reminded of it any more.", texts, true)
	if modal != nil {
		return workflows.Decision{Reply: workflows.Reply{Modal: modal}}, nil
	}
	if why == "" {
		return workflows.Decision{}, workflows.RefuseField(BlockReason, "reason_missing",
			"Please say why this may stay open; the auditors read it.")
	}
	e := Ended{Outcome: Completed, By: cmd.Actor, At: cmd.At, Reason: why, Code: endWaived,
		Open: pointTexts(s.Settle.Points)}
	return evPointsClosed.One(cmd, e), nil
}

func pointTexts(points []Point) []string {
	var out []string
	for _, p := range points {
		out = append(out, p.Text)
	}
	return out
}

// finishers are the people who are reminded of what is open: the holders, and whoever owns now.
func (s State) finishers() []string { return workflows.Union(s.acceptors(), s.Holders) }

// openPoints counts them: "5 points".
func (s State) openPoints() string { return workflows.Plural(len(s.Settle.Points), "point") }

var evPointsDone = workflows.Kind[State, pointsDone]{
	Type: "transfer.points_done",
	Fold: func(s *State, e workflows.Event, b pointsDone) {
		s.Settle.Points = slices.DeleteFunc(slices.Clone(s.Settle.Points), func(p Point) bool {
			return slices.Contains(b.Keys, p.Key)
		})
		s.Settle.Done, s.Settle.By = workflows.Union(s.Settle.Done, b.Keys), e.By.ID
		s.Round++
	},
	Tell: func(e workflows.Event, b pointsDone) string {
		return workflows.Say("%m ticked off %n; %d left.", e.By.ID, len(b.Keys), "point", b.Left)
	},
}

// finishingStage keeps what a handover left open where people see it.
type finishingStage struct{ plain }

func (finishingStage) title(s State) string {
	return workflows.Say("✓ %s belongs to %s; %s of the handover open", s.AccountName, s.To,
		workflows.Text(s.openPoints()))
}

func (finishingStage) now(s State) string {
	return s.To + " owns the account; " + s.openPoints() + " of the handover open."
}

func (finishingStage) notify(s State, _ string) string {
	return s.AccountName + " belongs to " + s.To + " now; " + s.openPoints() + " of the handover open"
}

func (finishingStage) lines(s State, who string) []string {
	var list []string
	for _, p := range s.Settle.Points {
		list = append(list, workflows.Say("… %s", p.Text))
	}
	ask := workflows.Say("%s can tick off what is done; a holder may waive the rest with a reason.",
		workflows.Text(workflows.List(append(mentioned(s.acceptors()), "an administrator"), "or")))
	if workflows.Among(who, s.acceptors(), s.Admins) {
		ask = "You can tick off what is done"
		if workflows.Among(who, s.Holders) {
			ask += ", and waive the rest with a reason"
		}
		ask += "."
	}
	out := []string{"✓ " + changedSentence(s), strings.Join(list, "\n"),
		ask + workflows.Say(" The holders are reminded every %l as long as something is open.", remindOpenEvery)}
	if s.Settle.RoleCode != "" {
		out = append(out, workflows.Say("! The role of %s could not be set (%s). Set it in integrator.io under Users.",
			s.From, s.Settle.RoleCode))
	}
	return out
}

func (finishingStage) buttons(s State, who string) []workflows.Button {
	var out []workflows.Button
	if workflows.Among(who, s.acceptors(), s.Admins) {
		out = append(out, workflows.Button{Action: ActSettle, Label: "Done…", Style: workflows.Primary})
	}
	if workflows.Among(who, s.Holders) {
		out = append(out, workflows.Button{Action: ActWaive, Label: "Waive…"})
	}
	return out
}

func (finishingStage) waiting(s State) []string { return s.finishers() }

func (finishingStage) audience(s State) []string {
	return workflows.Union(s.acceptors(), s.Admins, s.Holders)
}

func (finishingStage) owing(s State) []string { return s.finishers() }

func (finishingStage) remind(s State) string {
	return workflows.Say("the handover of %s to %s is done, but not all that belongs to it. "+
		"Please tick off what is done by now, or waive it with a reason.", s.AccountName, s.To)
}

// expire does nothing: what is open has no end but people's word.
func (finishingStage) expire(State, workflows.Command) (workflows.Decision, error) {
	return workflows.Decision{}, nil
}

// evPointsClosed ends what the handover left open, after the transfer itself had ended.
var evPointsClosed = workflows.Kind[State, Ended]{
	Type: "transfer.points_closed",
	Fold: func(s *State, e workflows.Event, b Ended) {
		s.Head.End(b.Outcome, e)
		s.End = &b
	},
	Tell: func(_ workflows.Event, b Ended) string { return endedTold(b) },
}
