package key

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

const (
	watchName  = "sign_ins"
	timerDaily = "daily"
	timerDrill = "drill"
	// firstReading is a mark that no reading has: the first one is worth knowing, whatever it shows.
	firstReading = "first"
)

// Watch is the machine that looks after an account's key: one workflow for each account, opened by
// Keyholder itself and never closed. It reads the owner's sign-ins, opens drills when their time
// has come, and notices when Slack deactivates a holder or keeper.
func Watch() workflows.Machine {
	return workflows.Rules[WatchState]{
		Name: "keywatch", Letter: workflows.LetterKeyWatch, Schema: 1, Kinds: watchKinds,
		Needs: watchNeeds, Decide: decideWatch, View: WatchState.view,
	}.Machine()
}

func watchNeeds(_ WatchState, cmd workflows.Command, p workflows.Policy, a workflows.AccountState) workflows.Needs {
	if cmd.Name == workflows.CmdTimer && cmd.Timer.Name == timerDrill {
		return workflows.Needs{}
	}
	return workflows.Needs{People: circlePeople(p, a.Owner)}
}

func decideWatch(s WatchState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	switch {
	case cmd.Name == WatchRequest && ours && !s.Opened():
		b := watchOpened{workflows.Opening{ID: cmd.Workflow, AccountID: f.Policy.ID}, watchPlan(f.Policy),
			f.Account.Owner, time.Time{}}
		b.Drill = nextDrill(f, cmd.At, cmd.At)
		d := evWatchOpened.One(cmd, b)
		next, err := watchKinds.Apply(s, d.Events...)
		if err != nil {
			return d, err
		}
		return next.people(cmd, f, d), nil
	case !s.Opened():
		return workflows.Decision{}, workflows.Refuse("closed",
			"Nobody looks after this account's key yet. Nothing was recorded.")
	case cmd.Name == LookAgain && ours:
		return s.look(cmd, f), nil
	case drillOver.Given(cmd):
		return evWatchDrill.One(cmd, watchDrill{Next: nextDrill(f, s.Begun, cmd.At)}), nil
	case cmd.Name == workflows.CmdTimer && cmd.Timer.Name == timerDaily:
		d := s.look(cmd, f)
		if len(d.Events) == 0 { // the day is over all the same
			d = evWatchLooked.One(cmd, watchLooked{watchPlan(f.Policy), f.Account.Owner, s.NextDrill})
		}
		if s.Token && s.readable() {
			d.Calls = append(d.Calls, s.reading()) // so that readings reach back no further than a day
		}
		return d, nil
	case cmd.Name == workflows.CmdTimer && cmd.Timer.Name == timerDrill:
		return s.openDrill(cmd, f), nil
	case cmd.Name == workflows.CmdReceipt && cmd.Receipt.Op == workflows.OpSignIns:
		return s.read(cmd, f), nil
	case cmd.Name == workflows.CmdReceipt:
		return workflows.Decision{}, nil
	}
	return workflows.Decision{}, workflows.Refuse("unknown_action",
		"Nobody has to do anything here. Nothing was recorded.")
}

// readable reports whether sign-ins can be told apart: the owner's address is known.
func (s WatchState) readable() bool { return s.Owner != "" }

// nextDrill is when the next drill opens by itself: the time after the last one that ended, or
// after the account was first seen, in working hours; zero for never.
func nextDrill(f workflows.Facts, seen, now time.Time) time.Time {
	if f.Policy.Key.DrillEvery <= 0 {
		return time.Time{}
	}
	from := seen
	if last := f.Account.Key.Drill; last != nil && last.Ended.After(from) {
		from = last.Ended
	}
	at := from.Add(f.Policy.Key.DrillEvery)
	if at.Before(now) { // it was due while nobody looked: now
		at = now
	}
	return workingHours(f.Policy.Review, at).UTC().Truncate(time.Millisecond)
}

// look compares policy, owner and people with what is known.
func (s WatchState) look(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	var d workflows.Decision
	plan, next := watchPlan(f.Policy), s.NextDrill
	if plan.DrillEvery != s.DrillEvery || next.IsZero() {
		next = nextDrill(f, s.Begun, cmd.At)
	}
	if plan != s.WatchPlan || !workflows.SameEmail(f.Account.Owner, s.Owner) || !next.Equal(s.NextDrill) {
		d = evWatchLooked.One(cmd, watchLooked{plan, f.Account.Owner, next})
	}
	return s.people(cmd, f, d)
}

// people notices who of those that hold the key is deactivated in Slack, or back.
func (s WatchState) people(cmd workflows.Command, f workflows.Facts, d workflows.Decision) workflows.Decision {
	c := circleOf(f, f.Account.Owner)
	known := map[string]Gone{}
	for _, g := range s.Gone {
		known[g.Person] = g
	}
	b := watchGone{}
	for _, who := range f.Expand(circlePeople(f.Policy, f.Account.Owner)) {
		if f.People[who].Standing != workflows.StandingDeactivated {
			continue
		}
		what := restsOn(f, who)
		if len(what) == 0 { // an administrator is no holder of the key
			continue
		}
		g, told := known[who]
		if !told {
			g = Gone{Person: who, What: what, At: cmd.At}
			b.New = append(b.New, who)
		}
		b.Gone = append(b.Gone, g)
	}
	if len(b.New) == 0 && len(b.Gone) == len(s.Gone) {
		return d
	}
	if b.To = c.Admins; len(b.To) == 0 {
		b.To = c.Holders
	}
	d.Events = append(d.Events, evWatchGone.Of(cmd, b))
	return d
}

// restsOn lists what of the key rests on a person, by the configuration.
func restsOn(f workflows.Facts, who string) []string {
	var out []string
	for _, a := range f.Policy.Aliases {
		for _, part := range []struct {
			of   []string
			what string
		}{{a.Holders, "holder of "}, {a.PasswordKeepers(), "keeper of the password of "},
			{a.SecondFactorKeepers(), "keeper of the second factor of "}} {
			if named := f.Expand(part.of); slices.Contains(named, who) {
				left := "nobody else"
				if n := len(named) - 1; n == 1 {
					left = "1 other person"
				} else if n > 1 {
					left = strconv.Itoa(n) + " others"
				}
				out = append(out, part.what+a.Email+" ("+left+")")
			}
		}
	}
	return out
}

// openDrill opens the drill whose time has come.
func (s WatchState) openDrill(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	b := watchDrill{}
	if every := f.Policy.Key.DrillEvery; every > 0 {
		b.Next = workingHours(f.Policy.Review, cmd.At.Add(every)).UTC().Truncate(time.Millisecond)
	}
	_, alias := f.Policy.Alias(f.Account.Owner)
	switch {
	case b.Next.IsZero():
		b.Why = "the configuration no longer asks for any"
	case f.Account.Locks[workflows.LockDrill] != "":
		b.Why = "one is running"
	case !alias:
		b.Why = "the owner is no shared mailbox of the configuration"
	default:
		b.Drill = workflows.NewID(workflows.LetterDrill, s.AccountID, f.Shards, s.AccountID, "drill",
			strconv.Itoa(f.Account.Key.Drills))
	}
	d := evWatchDrill.One(cmd, b)
	if b.Drill != "" {
		d.Calls = []workflows.Call{calendarDue.To(s.AccountID, b.Drill, drillDue{s.ID})}
	}
	return d
}

// read takes a reading of the audit log: each new sign-in is told to the one use or turn that it
// belongs to, or asked about.
func (s WatchState) read(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	r := cmd.Receipt
	if !r.OK || r.SignIns == nil {
		return s.unread(cmd, f)
	}
	in := r.SignIns
	b := watchRead{Since: in.Since, Until: in.Until, Mark: in.Mark(), Entries: in.Entries, First: s.Baseline.IsZero()}
	if b.Until.IsZero() || b.Until.After(cmd.At) {
		b.Until = cmd.At
	}
	if b.Until.Before(s.Read) { // an older reading that came late
		b.Until = s.Read
	}
	d := workflows.Decision{}
	if !b.First {
		b.Belong = map[string]string{}
		for _, entry := range in.Entries {
			if _, seen := s.Seen[entry.ID]; seen || b.Belong[entry.ID] != "" {
				continue
			}
			call := s.belongs(entry, f)
			b.Belong[entry.ID] = call.ID
			d.Calls = append(d.Calls, call)
		}
	}
	d.Events = []workflows.Event{evWatchRead.Of(cmd, b)}
	return d
}

// belongs finds the one use, turn or question for a sign-in: an expected time that holds it; else
// the nearest within [tolerance]; else a question. Of two that fit alike the later one has it: whose
// turn ends hands over to the next.
func (s WatchState) belongs(entry workflows.SignIn, f workflows.Facts) workflows.Call {
	best, off := workflows.KeyWindow{}, tolerance+1
	for _, w := range f.Account.Key.Windows {
		d := time.Duration(0)
		switch {
		case entry.At.Before(w.From):
			d = w.From.Sub(entry.At)
		case !w.To.IsZero() && entry.At.After(w.To):
			d = entry.At.Sub(w.To)
		}
		if d < off || d == off && off <= tolerance && !w.From.Before(best.From) {
			best, off = w, d
		}
	}
	seen := Seen{SignIn: entry, Person: best.Person}
	switch {
	case off > tolerance:
		id := workflows.NewID(workflows.LetterSignIn, s.AccountID, f.Shards, s.AccountID, "sign-in", entry.ID)
		return signInFound.To(s.AccountID, id, foundSignIn{SignIn: entry, Owner: s.Owner})
	case workflows.HasLetter(best.Workflow, workflows.LetterDrill):
		return seenInDrill.To(s.AccountID, best.Workflow, seen)
	}
	return seenInUse.To(s.AccountID, best.Workflow, seen)
}

// told reports whether a use or drill knows of a sign-in already: what is told goes out at least once.
func told(all []workflows.SignIn, b Seen) bool {
	return slices.ContainsFunc(all, func(e workflows.SignIn) bool { return e.ID == b.ID })
}

// unread says once that the log cannot be read any more.
func (s WatchState) unread(cmd workflows.Command, f workflows.Facts) workflows.Decision {
	code := cmd.Receipt.Code
	if code == "" {
		code = workflows.RefusedOther
	}
	if code == s.Code {
		return workflows.Decision{}
	}
	b := watchUnread{Code: code, Message: cmd.Receipt.Message}
	if c := circleOf(f, f.Account.Owner); s.Code == "" && !s.Baseline.IsZero() {
		if b.To = c.Admins; len(b.To) == 0 {
			b.To = c.Holders
		}
	}
	return evWatchUnread.One(cmd, b)
}

// reading is the call that reads sign-ins once more.
func (s WatchState) reading() workflows.Call {
	since, known := s.Begun, firstReading
	if !s.Baseline.IsZero() {
		since, known = s.Read, s.Known
	}
	if !s.Unwatched.IsZero() { // that it can be read again is worth knowing, whatever it shows
		known = firstReading
	}
	return workflows.Call{Op: workflows.OpSignIns, Account: s.AccountID, Owner: s.Owner, Since: since.Add(-overlap),
		Known: known}
}

// view keeps reading, and shows the administrators what they have to know.
func (s WatchState) view() workflows.View {
	v := workflows.View{Cards: s.cards()}
	v.Timers = append(v.Timers, workflows.Timer{Name: timerDaily, At: s.Looked.Add(24 * time.Hour)})
	if !s.NextDrill.IsZero() {
		v.Timers = append(v.Timers, workflows.Timer{Name: timerDrill, At: s.NextDrill})
	}
	if s.Token && s.readable() {
		v.Watches = []workflows.Watch{{Name: watchName, Call: s.reading(), Every: s.Every}}
	}
	return v
}

// cards tell the administrators, each once, who is gone and that sign-ins are not seen.
func (s WatchState) cards() []workflows.Card {
	var out []workflows.Card
	for _, who := range s.Told {
		c := workflows.Card{Name: cardMain, Recipient: who, Round: s.Round, Note: "Key " + s.ID}
		var lines []string
		if !s.Unwatched.IsZero() {
			lines = append(lines, "! The owner's sign-ins are not watched since "+workflows.When(s.Unwatched)+
				": integrator.io no longer "+
				"answers the audit log ("+workflows.Esc(s.Code)+"). A use that nobody recorded would not be seen. "+
				"Ask whoever runs Keyholder to look at the token: `keyholder check`.")
		}
		for _, g := range s.Gone {
			lines = append(lines, "! "+workflows.Mention(g.Person)+" is deactivated in Slack ("+workflows.When(g.At)+
				"), and was "+
				workflows.Esc(workflows.List(g.What, "and"))+
				". Name somebody else in the configuration, change the password and the second "+
				"factor, and start a drill: `{command} key "+s.AccountID+" drill`.")
		}
		c.Title, c.Lines = "! The key of "+workflows.Esc(s.AccountName), lines
		c.Fallback = "The key of " + s.AccountName + " needs you"
		if len(lines) == 0 {
			c.Title, c.Lines = "✓ The key of "+workflows.Esc(s.AccountName), []string{"Nothing needs you now."}
			c.Fallback = strings.TrimPrefix(c.Title, "✓ ") + " is in order"
		}
		out = append(out, c)
	}
	return out
}
