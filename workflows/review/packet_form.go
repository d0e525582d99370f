package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// pages is how many pages the form has.
func (s PacketState) pages() int {
	return pagesFor(len(s.Rows)-s.tokenRows()) + pagesFor(s.tokenRows())
}

// pageOf is the page of a row, from 0.
func (s PacketState) pageOf(row int) int {
	if people := len(s.Rows) - s.tokenRows(); row > people {
		return pagesFor(people) + (row-people-1)/PageRows
	}
	return (row - 1) / PageRows
}

// firstOpenPage is the first page with something left on it; the first one when nothing is.
func (s PacketState) firstOpenPage() int {
	if left := s.lacking(); len(left) > 0 && s.Phase == PacketReviewing {
		return s.pageOf(left[0])
	}
	return 0
}

// form shows a page of rows to somebody, as of a time: with fields while it is reviewed, as text
// afterwards and where a row is their own. The buttons stand above the rows and below them.
func (s PacketState) form(page int, notice string, who approvals.Identity, at time.Time) *workflows.Modal {
	page = min(max(page, 0), max(s.pages()-1, 0))
	m := s.frame(page+1, fmt.Sprintf("Review, page %d of %d", page+1, max(s.pages(), 1)))
	if notice != "" {
		m.Intro = append(m.Intro, "! "+notice)
	}
	name := "*" + workflows.Esc(s.AccountName) + ", " + s.Period + ":* "
	switch {
	case s.Phase != PacketReviewing:
		m.Intro = append(m.Intro, name+s.outcomeText())
	case page > 0:
		m.Intro = append(m.Intro, name+s.progress()+" Turning the page saves it.")
	case s.pages() > 1:
		m.Intro = append(m.Intro, name+s.progress()+" The riskiest come first. Turning the page saves it.")
	default:
		m.Intro = append(m.Intro, name+s.progress()+" The riskiest come first.")
	}
	if s.tokenPage(page) && len(s.Rows) > 0 {
		m.Intro = append(m.Intro, "*API tokens.* "+population.TokenIntro)
	}
	buttons := s.buttons(page)
	if len(buttons.Buttons) > 0 {
		m.Inputs = append(m.Inputs, buttons)
	}
	for _, r := range s.rowsOf(page) {
		if s.Phase != PacketReviewing {
			m.Inputs = append(m.Inputs, s.shown(r))
			continue
		}
		if r.Bars(who) {
			own := s.shown(r)
			own.Label += "\nThis row is about yourself, so you cannot decide it."
			m.Inputs = append(m.Inputs, own, workflows.Input{Block: "line:" + strconv.Itoa(r.N),
				Kind: workflows.BlockDivider})
			continue
		}
		m.Inputs = append(m.Inputs, s.fields(r, at)...)
	}
	if len(buttons.Buttons) > 0 {
		buttons.Block = "turn:below"
		m.Inputs = append(m.Inputs, buttons)
	}
	return m
}

// between is a form without rows, shown after what changed rows by a button: Slack keeps what
// stands in the fields of a form that is only changed, so the rows come back as new ones by turning
// the page.
func (s PacketState) between(page int, text string) *workflows.Modal {
	m := s.frame(page, "Review")
	m.Intro = []string{text}
	buttons := []workflows.Button{{Action: ActNext, Label: "Go on", Style: workflows.Primary}}
	if len(s.Undo) > 0 {
		buttons = append(buttons, s.undoButton())
	}
	m.Inputs = []workflows.Input{{Block: "turn", Kind: workflows.BlockButtons, Buttons: buttons}}
	return m
}

// frame is a form whose number the buttons count from: a page carries its number from 1, what
// stands before a page the number before.
func (s PacketState) frame(page int, title string) *workflows.Modal {
	m := &workflows.Modal{Callback: FormPacket, Action: FormPacket, Title: title, Workflow: s.ID, Account: s.AccountID,
		Round: s.Edits, Page: page}
	if s.Phase == PacketReviewing {
		m.Submit = "Save and close"
	}
	return m
}

// fields are a row's blocks. Nothing is chosen in them that nobody has decided.
func (s PacketState) fields(r population.Row, at time.Time) []workflows.Input {
	n, v := strconv.Itoa(r.N), s.Verdicts[r.N-1]
	title, facts := population.RowText(r, at)
	facts = append(facts, answersWords(r, len(workflows.Union(s.managers(), s.Reviewers)) == len(s.managers()))...)
	if r.Exception != "" {
		facts = append(facts, "! This concerns you, but "+r.Exception+
			": it can only be kept, with a reason, and is listed as an exception")
	}
	row := workflows.Input{Block: BlockRow + n, Kind: workflows.InputSelect, Label: n + ". " + title,
		Hint: strings.Join(facts, " · "), Placeholder: "Decide", Optional: true,
		Initial: v.Decision, Options: []workflows.Option{{Value: population.Keep, Label: "Keep"}}}
	if r.IsToken() && r.Exception == "" {
		row.Options = tokenOptions()
	} else if r.Exception == "" {
		label := "Change role"
		switch {
		case r.Kind == population.KindOwner:
			label = "Change: somebody else should own the account"
		case !r.HasRole():
			label = "Change: it should be another mailbox"
		}
		row.Options = append(row.Options, workflows.Option{Value: population.Change, Label: label})
		if !r.Master() {
			row.Options = append(row.Options, workflows.Option{Value: population.Remove, Label: "Remove"})
		}
	}
	out := []workflows.Input{row}
	if r.HasRole() && r.Exception == "" {
		role := workflows.Input{Block: BlockRole + n, Kind: workflows.InputSelect,
			Label: "New role", Placeholder: "Only for a change", Optional: true, Initial: v.Role}
		if r.Proposal != "" {
			role.Placeholder = "Only for a change: " + r.Proposal + "?"
		}
		for _, to := range changeable {
			if to != r.Role && to != workflows.RoleAdministrator {
				role.Options = append(role.Options, workflows.Option{Value: to, Label: strings.ToUpper(to[:1]) + to[1:],
					Description: population.RoleMay(to)})
			}
		}
		out = append(out, role)
	}
	reason := workflows.Input{Block: BlockReason + n, Kind: workflows.InputText, Label: "Reason", Optional: true,
		Initial: v.Reason, MaxLength: 500}
	if !r.Plain() {
		reason.Placeholder = "Needed to keep it"
	}
	return append(out, reason, workflows.Input{Block: "line:" + n, Kind: workflows.BlockDivider})
}

// shown is a row whose decision is final.
func (s PacketState) shown(r population.Row) workflows.Input {
	title, _ := population.RowText(r, time.Time{})
	v := s.Verdicts[r.N-1]
	text := fmt.Sprintf("%d. %s\n%s", r.N, title, verdictText(v))
	return workflows.Input{Block: "shown:" + strconv.Itoa(r.N), Kind: workflows.BlockText, Label: text}
}

// verdictText is a decision in words.
func verdictText(v population.Verdict) string {
	text := map[string]string{population.Keep: "✓ keep", population.Change: "! change", population.Remove: "✗ remove",
		population.NoAnswer: "! nobody answered in time", "": "… open"}[v.Decision]
	if v.Role != "" {
		text += " to " + v.Role
	}
	if v.By != "" {
		text += ", " + workflows.Mention(v.By) + ", " + workflows.When(v.At)
	}
	if v.Reason != "" {
		text += ": " + workflows.Quote(v.Reason)
	}
	return text
}

// buttons turn the pages and do what is not about one row. The one that goes on stands first, where
// there is one, for a finger that turns many pages comes down on the same spot; what changes rows
// asks first.
func (s PacketState) buttons(page int) workflows.Input {
	var all []workflows.Button
	if page+1 < s.pages() {
		all = append(all, workflows.Button{Action: ActNext, Label: "Next page"})
	}
	if page > 0 {
		all = append(all, workflows.Button{Action: ActPrev, Label: "Page before"})
	}
	if s.Phase == PacketReviewing {
		all = append(all, workflows.Button{Action: ActKeepAll, Label: "Keep all without a flag",
			Confirm: &workflows.Confirm{Title: "Keep them together?",
				Text: "All rows that are still open and are neither privileged nor flagged are kept. You can take it back until you sign off.", Yes: "Keep them", No: "No"}})
		if len(s.Undo) > 0 {
			all = append(all, s.undoButton())
		}
	}
	return workflows.Input{Block: "turn", Kind: workflows.BlockButtons, Buttons: all}
}

// undoButton takes the last saving back, and asks first, with the addresses that it is about.
func (s PacketState) undoButton() workflows.Button {
	last := s.Undo[len(s.Undo)-1]
	what := "What was decided there before counts again"
	if !slices.ContainsFunc(sortedRows(last.Was), func(n int) bool { return last.Was[n].Decision != "" }) {
		what = "They are open again"
		if len(last.Was) == 1 {
			what = "It is open again"
		}
	}
	return workflows.Button{Action: ActUndo, Label: "Take back",
		Confirm: &workflows.Confirm{Title: "Take back the last step?",
			Text: "It is about " + s.addresses(sortedRows(last.Was)) + ". " + what +
				"; what you have chosen and not saved yet is left out.", Yes: "Take it back", No: "Leave it"}}
}

// fewAddresses is how many rows a question names: it has 300 characters.
const fewAddresses = 2

// addresses names rows by their addresses, a few of them.
func (s PacketState) addresses(rows []int) string {
	var names []string
	for _, n := range rows[:min(len(rows), fewAddresses)] {
		names = append(names, workflows.Esc(workflows.Clip(s.Rows[n-1].Subject(), 40)))
	}
	if more := len(rows) - len(names); more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	return workflows.List(names, "and")
}

// reassignForm asks who is to review instead.
func (s PacketState) reassignForm() *workflows.Modal {
	return &workflows.Modal{Callback: FormReassign, Action: ActReassign, Title: "Give it to…", Submit: "Give it",
		Workflow: s.ID, Account: s.AccountID, Round: s.Round,
		Intro: []string{"Somebody else goes on with this part. " + s.progress() +
			" What is decided so far stays. It cannot be somebody who has a row in it: nobody reviews themselves."},
		Inputs: []workflows.Input{
			{Block: BlockPerson, Kind: workflows.InputUser, Label: "Who reviews instead"},
			{Block: BlockNote, Kind: workflows.InputText, Label: "Why, and what they should know", Multiline: true,
				MaxLength: 1000},
		}}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
