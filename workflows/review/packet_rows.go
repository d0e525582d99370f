package review

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// open shows the rows, the first page with something left on it.
func (s PacketState) open(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d := workflows.Decision{Reply: workflows.Reply{Modal: s.form(s.firstOpenPage(), "", s.identity(f, cmd.Actor.ID),
		cmd.At)}}
	if s.Looked.IsZero() && s.Phase == PacketReviewing {
		d.Events = []workflows.Event{cmd.Event(evLooked, knownOf(f, cmd.Actor.ID))}
	}
	return d, nil
}

// turn saves the page as submitting does, and shows the next or the one before.
func (s PacketState) turn(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, next, text, err := s.saving(cmd, f)
	if err != nil || len(d.Reply.Errors) > 0 {
		return d, err
	}
	page := cmd.Page // pages count from 1 in forms, from 0 here
	if cmd.Name == ActPrev {
		page = cmd.Page - 2
	}
	d.Reply = workflows.Reply{Modal: next.form(page, text, next.identity(f, cmd.Actor.ID), cmd.At)}
	return d, nil
}

// save keeps what was submitted and says what is left.
func (s PacketState) save(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, next, text, err := s.saving(cmd, f)
	if err != nil || len(d.Reply.Errors) > 0 {
		return d, err
	}
	said := "Saved. " + next.progress()
	if left := next.lacking(); len(left) == 0 {
		said += " Sign it off on your card: that is the last step, and until then everything can be changed."
	}
	d.Reply = workflows.Reply{Text: strings.TrimSpace(text + " " + said), Link: s.ID}
	return d, nil
}

// saving reads a form's rows. What somebody else decided since the form was shown stays, and is
// named; so are rows about whoever saves.
func (s PacketState) saving(cmd workflows.Command, f workflows.Facts) (workflows.Decision, PacketState, string, error) {
	if s.Phase != PacketReviewing {
		text := ""
		if slices.ContainsFunc(sortedKeys(cmd.Input), func(block string) bool {
			return strings.HasPrefix(block, BlockRow)
		}) {
			text = "It was closed meanwhile, so what you chose last was not recorded."
		}
		return workflows.Decision{}, s, text, nil
	}
	verdicts, faults, taken, own := s.read(cmd, f)
	if len(faults) > 0 {
		return workflows.Decision{Reply: workflows.Reply{Errors: faults}}, s, "", nil
	}
	text := ""
	if len(taken) > 0 {
		text = "Meanwhile " + s.changedBy(taken, cmd.Actor.ID) + " changed " + rowsWord(taken) +
			"; that was kept, and what you chose there was not recorded."
	}
	if len(own) > 0 {
		text = strings.TrimSpace(text + " " + strings.ToUpper(rowsWord(own)[:1]) + rowsWord(own)[1:] +
			": about yourself, so not recorded. " + s.otherThan(cmd.Actor.ID))
	}
	if len(verdicts) == 0 {
		return workflows.Decision{}, s, text, nil
	}
	events := []workflows.Event{cmd.Event(evSaved, saved{known: knownOf(f, cmd.Actor.ID), Verdicts: verdicts,
		Emails: s.emails(sortedRows(verdicts)), Turned: cmd.Name == ActPrev || cmd.Name == ActNext})}
	next, err := s.fold(events...)
	return workflows.Decision{Events: events}, next, text, err
}

// changedBy says who changed rows since a form was opened.
func (s PacketState) changedBy(rows []int, who string) string {
	if slices.ContainsFunc(rows, func(n int) bool { return s.Verdicts[n-1].By != who }) {
		return "somebody else has"
	}
	return "you have, from elsewhere,"
}

// read compares a form with what is recorded. The fields count through the whole packet, so nothing
// depends on which page was shown.
func (s PacketState) read(cmd workflows.Command, f workflows.Facts) (changed map[int]population.Verdict,
	faults map[string]string,
	taken, own []int) {
	changed, faults = map[int]population.Verdict{}, map[string]string{}
	who := s.identity(f, cmd.Actor.ID)
	for i, row := range s.Rows {
		n := strconv.Itoa(row.N)
		decision, chosen := cmd.Input[BlockRow+n]
		reason, said := cmd.Input[BlockReason+n]
		if !chosen && !said {
			continue
		}
		was := s.Verdicts[i]
		v := was
		v.Reason = strings.TrimSpace(reason)
		if chosen {
			v.Decision, v.Role = decision, ""
			if decision == population.Change && row.HasRole() {
				v.Role = cmd.Input[BlockRole+n]
			}
		}
		if v.Decision == was.Decision && v.Role == was.Role && v.Reason == was.Reason {
			continue
		}
		if row.Bars(who) {
			own = append(own, row.N)
			continue
		}
		if field, text := refuses(row, v); text != "" {
			if !cmd.Submitted { // told without the field
				text = "Row " + n + ": " + text + " Nothing was recorded."
			}
			faults[field+n] = text
			continue
		}
		if after(was, cmd) {
			taken = append(taken, row.N)
			continue
		}
		v.By, v.At, v.Bulk = cmd.Actor.ID, cmd.At, false
		changed[row.N] = v
	}
	return changed, faults, taken, own
}

// after reports whether a verdict is younger than the form that a command came from.
func after(v population.Verdict, cmd workflows.Command) bool {
	return cmd.Round != workflows.NoRound && v.Seq > cmd.Round
}

// identity is somebody by every address known of them, now and while this part has known them.
func (s PacketState) identity(f workflows.Facts, who string) approvals.Identity {
	return f.Known(who).With(s.Addresses[who]...)
}

// otherThan says who can decide a row instead of a person.
func (s PacketState) otherThan(who string) string {
	others := slices.DeleteFunc(slices.Clone(s.Reviewers), func(r string) bool { return r == who })
	if len(others) > 0 {
		return workflows.Mentions(others) + " can decide there."
	}
	return "Nobody reviews themselves: decide the other rows, then give this part to somebody else with the button on the card."
}

// emails are the addresses of rows, so that what is told of them can be read by itself.
func (s PacketState) emails(rows []int) map[int]string {
	out := make(map[int]string, len(rows))
	for _, n := range rows {
		out[n] = s.Rows[n-1].Subject()
	}
	return out
}

func sortedRows[V any](m map[int]V) []int { return slices.Sorted(maps.Keys(m)) }

// refuses says which field of a row cannot be taken, and why.
func refuses(r population.Row, v population.Verdict) (field, text string) {
	if r.IsToken() && v.Decision == population.Change {
		return BlockRow, "An API token is kept or removed; its scope is changed in integrator.io."
	}
	switch v.Decision {
	case "", population.Keep:
	case population.Change:
		if r.Exception != "" {
			return BlockRow, onlyKept
		}
		if v.Role == "" {
			return "", "" // half-done work is kept; an owner changes by a transfer
		}
		if !slices.Contains(changeable, v.Role) {
			return BlockRole, "Choose manage or monitor. For anything else use the access command."
		}
		if v.Role == workflows.RoleAdministrator && r.Role != v.Role {
			return BlockRole, "A review makes nobody an administrator, for that needs approvals. Choose another role or keep, and ask with the access command."
		}
		if v.Role == r.Role && !(r.Role == workflows.RoleMonitor && len(r.Manage) > 0) {
			return BlockRole, "That is the present role. Choose another one, or keep."
		}
	case population.Remove:
		if r.Exception != "" {
			return BlockRow, onlyKept
		}
		if r.Master() {
			return BlockRow, "The owner and the shared mailboxes are kept or changed. A change of owner is a transfer."
		}
	default:
		return BlockRow, "Choose to keep, to change or to remove."
	}
	return "", ""
}

const onlyKept = "This row concerns you, and nobody else could decide it: it can only be kept, with a reason. For anything else give it to somebody whom it does not concern."

// changeable are the roles a review can change to; custom access needs integrations, for which
// there is a form of its own.
var changeable = []string{workflows.RoleAdministrator, workflows.RoleManage, workflows.RoleMonitor}

// undo takes the last saving back. A notice stands between, because Slack keeps what stands in the
// fields of a form that is only changed.
func (s PacketState) undo(cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	if len(s.Undo) == 0 {
		return workflows.Decision{Reply: workflows.Reply{
			Text: "There is nothing to take back: nothing was saved yet, or it is longer ago than the last " +
				strconv.Itoa(maxUndo) + " savings."}}, nil
	}
	last := s.Undo[len(s.Undo)-1]
	later := slices.DeleteFunc(sortedRows(last.Was), func(n int) bool { return !after(s.Verdicts[n-1], cmd) })
	if len(later) > 0 && last.By == cmd.Actor.ID {
		text := "Since this form was opened, you have changed " + rowsWord(later) +
			" from elsewhere, so nothing was taken back. " +
			"Go on, and take it back from there if you still want to."
		return workflows.Decision{Reply: workflows.Reply{Modal: s.between(s.pageOf(later[0]), text)}}, nil
	}
	if last.By != cmd.Actor.ID {
		return workflows.Decision{Reply: workflows.Reply{Text: "The last change was made by " +
			workflows.Mention(last.By) +
			", so only they can take it back. Change the rows themselves instead. Nothing was recorded."}}, nil
	}
	events := []workflows.Event{cmd.Event(evUndone, none{})}
	next, err := s.fold(events...)
	if err != nil {
		return workflows.Decision{}, err
	}
	rows := sortedRows(last.Was)
	text := "Taken back: " + rowsWord(rows) + ". What you had not saved yet was left out. " + next.progress()
	return workflows.Decision{Events: events, Reply: workflows.Reply{Modal: next.between(next.pageOf(rows[0]), text)}},
		nil
}

// keepAll saves the page, and keeps every row that is still open and neither privileged nor flagged.
func (s PacketState) keepAll(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, next, text, err := s.saving(cmd, f)
	if err != nil || len(d.Reply.Errors) > 0 {
		return d, err
	}
	kept := map[int]population.Verdict{}
	for i, r := range next.Rows {
		v := next.Verdicts[i]
		if r.Together() && v.Decision == "" && !after(s.Verdicts[i], cmd) && !r.Bars(next.identity(f, cmd.Actor.ID)) {
			kept[r.N] = population.Verdict{Decision: population.Keep, Reason: next.Verdicts[i].Reason, By: cmd.Actor.ID,
				At:   cmd.At,
				Bulk: true}
		}
	}
	if len(kept) > 0 {
		e := cmd.Event(evSaved, saved{known: knownOf(f, cmd.Actor.ID), Verdicts: kept, Bulk: true})
		d.Events = append(d.Events, e)
		if next, err = next.fold(e); err != nil {
			return workflows.Decision{}, err
		}
	}
	said := "Kept together: " + workflows.Plural(len(kept), "row") +
		" without a flag, of users who cannot administer the account."
	if len(kept) == 0 {
		said = "There was nothing to keep together: each row that is open is privileged, flagged or about you, and is decided by itself."
		if len(next.lacking()) == 0 {
			said = "There was nothing left to keep."
		}
	}
	d.Reply = workflows.Reply{Modal: next.between(next.firstOpenPage(),
		strings.TrimSpace(text+" "+said+" "+next.progress()))}
	return d, nil
}

// sign ends the decisions, when each row has one and nothing is missing.
func (s PacketState) sign(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if left := s.lacking(); len(left) > 0 {
		r := workflows.Refuse("rows_open", "Not signed off: "+s.lackingText(left)+
			" Nothing was recorded. Finish what is left, then sign off.")
		r.Way = &workflows.Way{Round: s.Round, Button: workflows.Button{Action: ActOpen, Style: workflows.Primary,
			Label: "Go to the first of them"}}
		return workflows.Decision{}, r
	}
	sig := Signature{By: cmd.Actor.ID, At: cmd.At, Acknowledged: Acknowledgement, Proven: cmd.Actor.StepUp != nil}
	if !s.Looked.IsZero() {
		took := cmd.At.Sub(s.Looked)
		kept := !slices.ContainsFunc(s.Verdicts, func(v population.Verdict) bool {
			return v.Decision != population.Keep
		})
		sig.Took, sig.Fast = took.String(), kept && took < time.Duration(len(s.Rows))*fastPerRow
	}
	events := []workflows.Event{cmd.Event(evSigned, sig)}
	next, err := s.fold(events...)
	if err != nil {
		return workflows.Decision{}, err
	}
	return workflows.Decision{Events: events, Calls: append(next.tellKept(), next.tellCampaign()),
		Reply: workflows.Reply{Text: "Signed off. " + next.decidedText() + next.afterText()}}, nil
}

// afterText says when what was decided is carried out.
func (s PacketState) afterText() string {
	c := s.Counts()
	switch {
	case c.Change+c.Remove == 0:
		return ""
	case s.Of > 1:
		return " What is to be changed or removed is carried out when all parts are signed off, at the latest " +
			workflows.When(s.Closes) + "."
	}
	return " What is to be changed or removed is carried out now."
}

// lacking lists the rows that cannot be signed yet.
func (s PacketState) lacking() []int {
	var out []int
	for i, r := range s.Rows {
		if r.Lacks(s.Verdicts[i]) != "" {
			out = append(out, r.N)
		}
	}
	return out
}

// lackingText names up to ten rows and what they lack.
func (s PacketState) lackingText(left []int) string {
	var open, reasons, roles []string
	for _, n := range left {
		name := workflows.Esc(s.Rows[n-1].Subject()) + " (row " + strconv.Itoa(n) + s.pageWord(n) + ")"
		switch s.Rows[n-1].Lacks(s.Verdicts[n-1]) {
		case "decision":
			open = append(open, name)
		case "reason":
			reasons = append(reasons, name)
		default:
			roles = append(roles, name)
		}
	}
	var out []string
	part := func(names []string, what string) {
		if len(names) == 0 {
			return
		}
		shown := names[:min(len(names), 10)]
		text := strings.Join(shown, ", ")
		if more := len(names) - len(shown); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, what+" "+text+".")
	}
	part(open, "Still open:")
	part(reasons, "A reason is missing for")
	part(roles, "The new role is missing for")
	return strings.Join(out, " ")
}

// pageWord says on which page a row stands, where there are several.
func (s PacketState) pageWord(n int) string {
	if s.pages() < 2 {
		return ""
	}
	return ", page " + strconv.Itoa(s.pageOf(n)+1)
}

// fewRows is how many rows a sentence names.
const fewRows = 8

// rowsWord names a few rows.
func rowsWord(rows []int) string {
	if len(rows) > fewRows {
		return workflows.Plural(len(rows), "row")
	}
	names := make([]string, len(rows))
	for i, n := range rows {
		names[i] = strconv.Itoa(n)
	}
	if len(names) == 1 {
		return "row " + names[0]
	}
	return "rows " + workflows.List(names, "and")
}

// Counts adds the packet up.
func (s PacketState) Counts() Counts {
	c := Counts{Rows: len(s.Rows)}
	for i, r := range s.Rows {
		v := s.Verdicts[i]
		if r.Privileged {
			c.Privileged++
		}
		if r.Exception != "" {
			c.Exceptions++
		}
		if r.IsToken() {
			c.Tokens++
		}
		if v.Bulk && v.Decision == population.Keep {
			c.Bulk++
		}
		switch {
		case v.Decision == population.NoAnswer:
			c.NoAnswer++
		case r.Lacks(v) != "":
			c.Open++
		case v.Decision == population.Keep:
			c.Keep++
		case v.Decision == population.Change:
			c.Change++
		case v.Decision == population.Remove:
			c.Remove++
		}
	}
	for _, f := range s.Fixes {
		c.Fix(f)
	}
	return c
}
