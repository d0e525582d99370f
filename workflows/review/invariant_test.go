package review

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// check is what must hold after every command, whatever happened.
func (w *world) check(r *run, was workflows.State, cmd workflows.Command) {
	w.t.Helper()
	if w.commands%10 == 0 || r.state.Closed() {
		w.checkFold(r, cmd)
	}
	w.checkView(r, cmd)
	w.checkDue(r, was, cmd)
	switch s := r.state.(type) {
	case PacketState:
		old, _ := was.(PacketState)
		w.checkPacket(s, old, cmd)
	case CampaignState:
		w.checkCampaign(s)
	}
}

// checkFold: the state is the fold of its events and survives its encoding. It is looked at now and
// then, for it costs as much as the whole story.
func (w *world) checkFold(r *run, cmd workflows.Command) {
	w.t.Helper()
	folded, err := workflows.Fold(r.machine, r.events)
	if err != nil || !bytes.Equal(encode(w.t, folded), encode(w.t, r.state)) {
		w.t.Fatalf("%s: the state is not the fold of its events: %v", cmd.Name, err)
	}
	again, err := r.machine.Decode(encode(w.t, r.state))
	if err != nil || !bytes.Equal(encode(w.t, again), encode(w.t, r.state)) {
		w.t.Fatalf("%s: the state does not survive its encoding: %v\n%s\n%s", cmd.Name, err, encode(w.t, again),
			encode(w.t, r.state))
	}
}

func (w *world) checkPacket(s, old PacketState, cmd workflows.Command) {
	w.t.Helper()
	c := s.Counts()
	if c.Rows != c.Open+c.Keep+c.Change+c.Remove+c.NoAnswer || c.Rows != len(s.Rows) || len(s.Verdicts) != len(s.Rows) {
		w.t.Fatalf("%s: the counts do not add up: %+v", cmd.Name, c)
	}
	if len(s.Rows) > population.MaxRows || len(s.Reviewers) == 0 {
		w.t.Fatalf("%s: %d rows, reviewers %v", cmd.Name, len(s.Rows), s.Reviewers)
	}
	for i, v := range s.Verdicts {
		row := s.Rows[i]
		if own := v.By != "" && workflows.SameEmail(w.people[v.By].Email, row.Email); own &&
			(row.Exception == "" || v.Decision != population.Keep && v.Decision != "") {
			w.t.Fatalf("%s: %s decided %q on their own row %d", cmd.Name, v.By, v.Decision, row.N)
		}
		if row.Master() && v.Decision == population.Remove {
			w.t.Fatalf("%s: the owner or a mailbox is to be removed", cmd.Name)
		}
		if !s.ClosedAt.IsZero() && row.Lacks(v) != "" && v.Decision != population.NoAnswer {
			w.t.Fatalf("%s: row %d is neither decided nor flagged at the end", cmd.Name, row.N)
		}
		if v.Decision == population.NoAnswer && !slices.Contains(row.Flags, population.FlagNoAnswer) {
			w.t.Fatalf("%s: row %d has no answer and no flag", cmd.Name, row.N)
		}
		if v.Bulk && !row.Plain() {
			w.t.Fatalf("%s: row %d was kept together with others", cmd.Name, row.N)
		}
	}
	if old.Signed != nil && (!reflect.DeepEqual(old.Verdicts, s.Verdicts) || !reflect.DeepEqual(old.Signed, s.Signed)) {
		w.t.Fatalf("%s: a signed packet changed", cmd.Name)
	}
	if s.Signed != nil && c.Open > 0 {
		w.t.Fatalf("%s: signed with %d rows open", cmd.Name, c.Open)
	}
	seen := map[int]bool{}
	for _, f := range s.Fixes {
		if seen[f.Row] || f.Action == population.FixTransfer && f.Access != "" || f.Action != population.FixTransfer &&
			f.Access == "" {
			w.t.Fatalf("%s: remedy %+v", cmd.Name, f)
		}
		seen[f.Row] = true
		if f.State == population.FixVerified && f.How == workflows.Attested && (f.Verified == f.Who && f.Who != "") {
			w.t.Fatalf("%s: %s verified their own word", cmd.Name, f.Who)
		}
	}
	if s.Last != nil && (old.Last == nil || old.Last.N != s.Last.N) {
		w.checkNudge(s, cmd)
	}
}

// checkDue: what was due before a command is done by it, still stands, or is left out because its
// time is over. A time that is computed anew must not forget it.
func (w *world) checkDue(r *run, was workflows.State, cmd workflows.Command) {
	w.t.Helper()
	if !was.Opened() {
		return
	}
	done := func(name string) bool {
		if c, calendar := r.state.(CalendarState); calendar {
			return c.Rests || name == timerNotice && c.noticed() || c.Last == was.(CalendarState).Next.ID
		}
		old, _ := was.(PacketState)
		s, packet := r.state.(PacketState)
		switch {
		case !packet && name == timerReread: // asked for, or over with the deciding
			c := r.state.(CampaignState)
			next := c.nextReading()
			return next.IsZero() || next.After(cmd.At)
		case !packet && name == timerReread: // asked for, or over with the deciding
			next := r.state.(CampaignState).nextReading()
			return next.IsZero() || next.After(cmd.At)
		case !packet:
			return was.StageName() != r.state.StageName()
		case old.Phase != s.Phase:
			return true
		case name == "reminder":
			over := !cmd.At.Before(s.Closes)
			// see nudgeFor
			return s.Nudges > old.Nudges || (over || !s.NextNudge.IsZero()) && s.Reviewers[0] != old.Reviewers[0]
		case name == "people":
			looked := cmd.Name == workflows.CmdTimer || cmd.Name == LookPeople || cmd.Name == workflows.CmdDelegated
			return looked && s.Checked.Equal(cmd.At)
		case name == "escalation":
			return s.Escalated > old.Escalated
		}
		return name == "late" && s.Late
	}
	now := r.machine.View(r.state).Timers
	for _, t := range r.machine.View(was).Timers {
		if !t.At.After(cmd.At) && !slices.Contains(now, t) && !done(t.Name) {
			w.t.Fatalf("%s at %v: the timer %s of %v is forgotten; %v stand", cmd.Name, cmd.At, t.Name, t.At, now)
		}
	}
}

// checkNudge: reminders go to those still open, in their working hours.
func (w *world) checkNudge(s PacketState, cmd workflows.Command) {
	w.t.Helper()
	at := s.Last.At.UTC() // everybody in these stories lives in UTC
	if at.Equal(s.Due) && !worktime.HoursOf(s.Policy).Next(s.Assigned.Opened).Before(s.Due) {
		return // no working moment lies before the due time, so the last reminder comes with it
	}
	if h := at.Hour(); w.policy.Review.To > 0 && (h < 9 || h >= 17 || at.Weekday() == 0 || at.Weekday() == 6) &&
		cmd.Timer != nil && cmd.Timer.At.Equal(cmd.At) {
		w.t.Fatalf("a reminder on %v", at)
	}
	if s.Signed != nil || !s.ClosedAt.IsZero() {
		w.t.Fatalf("reminded after the end")
	}
	for _, who := range s.Last.To {
		if !slices.Contains(s.Reviewers, who) || w.people[who].Standing != "" && len(s.Reviewers) > 1 {
			w.t.Fatalf("reminded %s; the reviewers are %v", who, s.Reviewers)
		}
	}
}

func (w *world) checkCampaign(s CampaignState) {
	w.t.Helper()
	if s.Phase == CampaignGathering || s.Phase == CampaignCancelled {
		return
	}
	rows := 0
	for _, p := range s.Parts {
		rows += p.Counts.Rows
	}
	if rows != s.Rows {
		w.t.Fatalf("%d rows in packets, %d planned", rows, s.Rows)
	}
	if len(s.Gathered) > 0 {
		w.t.Fatalf("the rows are kept twice")
	}
	if len(w.queue) > 0 {
		return // a packet may still be on its way
	}
	seen := map[string]bool{}
	for _, p := range w.packets() {
		for _, r := range p.Rows {
			key := r.Environment + "/" + r.Email
			if seen[key] {
				w.t.Fatalf("%s is in two packets", key)
			}
			seen[key] = true
		}
	}
}

// checkView: what everybody sees can be shown, and a card's buttons name one block.
func (w *world) checkView(r *run, cmd workflows.Command) {
	w.t.Helper()
	v := r.machine.View(r.state)
	cards := map[string]bool{}
	for _, c := range v.Cards {
		key := c.Name + "/" + c.Recipient
		if cards[key] || c.Title == "" || c.Fallback == "" || c.Recipient == "" {
			w.t.Fatalf("%s: card %q: %+v", cmd.Name, key, c)
		}
		cards[key] = true
		for _, text := range append(slices.Concat(c.Lines, c.Facts), c.Title, c.Fallback) {
			if strings.Contains(text, "%!") || strings.Contains(text, "0001-01-01") ||
				utf8.RuneCountInString(text) > 3000 {
				w.t.Fatalf("%s: card %q says %q", cmd.Name, key, text)
			}
		}
		for _, b := range c.Buttons {
			if !strings.HasPrefix(b.Action, "review.") {
				w.t.Fatalf("%s: button %s", cmd.Name, b.Action)
			}
		}
	}
	if r.state.Closed() && (len(v.Timers) > 0 || len(v.Waiting) > 0) {
		w.t.Fatalf("%s: it is over, and still waits: %+v", cmd.Name, v)
	}
	if m := w.last.Modal; m != nil && m.Callback == FormPacket {
		w.checkForm(*m)
	}
}

// checkForm: a form fits Slack's limits. Source: reference of Block Kit and views.
func (w *world) checkForm(m workflows.Modal) {
	w.t.Helper()
	if len(m.Inputs)+len(m.Intro) > 100 || utf8.RuneCountInString(m.Title) > 24 ||
		utf8.RuneCountInString(m.Submit) > 24 {
		w.t.Fatalf("the form is too large: %d blocks, title %q", len(m.Inputs), m.Title)
	}
	for _, in := range m.Inputs {
		if in.Kind == workflows.InputSelect && len(in.Options) == 0 {
			w.t.Fatalf("%s offers nothing", in.Block)
		}
		if utf8.RuneCountInString(in.Label) > 2000 || in.Kind != workflows.BlockDivider &&
			in.Kind != workflows.BlockButtons && in.Label == "" {
			w.t.Fatalf("%s has the label %q", in.Block, in.Label)
		}
		if in.Initial != "" && in.Kind == workflows.InputSelect && !slices.ContainsFunc(in.Options,
			func(o workflows.Option) bool { return o.Value == in.Initial }) {
			w.t.Fatalf("%s begins with %q, which it does not offer", in.Block, in.Initial)
		}
	}
}
