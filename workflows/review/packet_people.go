package review

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// Bounds of a packet's timing.
const (
	// how often it is looked whether the reviewers are still there, besides every other occasion
	peopleEvery = 24 * time.Hour
	awayTooLong = 48 * time.Hour  // an absence that ends sooner is waited for
	fastPerRow  = 2 * time.Second // who keeps everything faster than this per row is shown to the auditor
)

// reminders are those of a part, for a reviewer in a zone.
func (a Assigned) reminders(zone string) worktime.Reminders {
	return worktime.RemindersOf(a.Policy, a.Opened, a.Due, a.Closes).In(zone)
}

// planned is the next reminder as it was planned.
func (s PacketState) planned() worktime.Reminder {
	return worktime.Reminder{At: s.NextNudge, Kind: s.NextWhy}
}

// timer answers what has become due.
func (s PacketState) timer(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch cmd.Timer.Name {
	case "reminder":
		return s.remind(cmd, f)
	case "escalation":
		return s.escalate(cmd, f)
	case "people":
		d, err := s.people(cmd, f)
		if err == nil && len(d.Events) == 0 {
			d.Events = []workflows.Event{cmd.Event(evChecked, none{})}
		}
		return d, err
	case "late":
		return workflows.Decision{Events: []workflows.Event{cmd.Event(evLate, none{})}}, nil
	}
	return workflows.Decision{}, nil
}

// remind tells those who are still open, and replaces first whoever is not there any more.
func (s PacketState) remind(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	d, err := s.people(cmd, f)
	if err != nil {
		return d, err
	}
	s, err = s.fold(d.Events...)
	if err != nil {
		return d, err
	}
	n := nudged{Nudge: Nudge{N: s.Nudges + 1, Kind: s.NextWhy, At: cmd.At, To: s.Reviewers, Open: len(s.lacking())}}
	next := s.reminders(s.Zones[s.Reviewers[0]]).Next(cmd.At)
	n.Next, n.NextWhy = next.At, next.Kind
	d.Events = append(d.Events, cmd.Event(evNudged, n))
	return d, nil
}

// escalate takes the next step: the first adds a person, each later one replaces who did not answer.
func (s PacketState) escalate(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	step := s.Escalated + 1
	h := handed{Handover: Handover{At: cmd.At, From: s.Reviewers[0], Why: "escalated"}, Reviewers: s.Reviewers,
		Step: step}
	to := s.successor(f, cmd.At)
	switch {
	case step > 1 && len(s.Reviewers) > 1: // the second person goes on alone
		h.Why, h.To, h.Reviewers = "replaced", s.Reviewers[1], s.Reviewers[1:]
	case to == "":
	case step == 1:
		h.To, h.Reviewers = to, workflows.Union(s.Reviewers, []string{to})
	default:
		h.Why, h.To, h.Reviewers = "replaced", to, []string{to}
	}
	h.known = knownOf(f, h.To)
	return s.hand(cmd, f, evEscalated, h)
}

// people replaces reviewers who are deactivated, absent for long, or have delegated.
func (s PacketState) people(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	var d workflows.Decision
	if s.Phase != PacketReviewing {
		return d, nil
	}
	for _, who := range slices.Clone(s.Reviewers) {
		why := s.gone(f, who, cmd.At)
		if why == "" {
			continue
		}
		to := ""
		if why == "delegated" {
			to = standIn(f, who, cmd.At)
		}
		rest := slices.DeleteFunc(slices.Clone(s.Reviewers), func(r string) bool { return r == who })
		switch {
		case workflows.Among(to, rest):
			to = ""
		case to != "" && (s.concerns(f, to) || f.People[to].Standing != ""):
			continue // the delegate cannot take it: the reviewer stays
		}
		if to == "" && len(rest) == 0 {
			to = s.successor(f, cmd.At)
		}
		if to == "" && len(rest) == 0 {
			continue // nobody to go to: the reminders and the campaign's end go on
		}
		h := handed{known: knownOf(f, to), Handover: Handover{At: cmd.At, From: who, To: to, Why: why}, Looked: true,
			Reviewers: workflows.Union(rest, []string{to})}
		if to == "" {
			h.To = rest[0]
		}
		more, err := s.hand(cmd, f, evHanded, h)
		if err != nil {
			return d, err
		}
		d.Events = append(d.Events, more.Events...)
		d.Calls = more.Calls // each tells the campaign the same: the last says it all
		if s, err = s.fold(more.Events...); err != nil {
			return d, err
		}
	}
	return d, nil
}

// hand records a change of reviewers, with the next reminder in the working hours of whoever is first among them now.
func (s PacketState) hand(cmd workflows.Command, f workflows.Facts, kind string, h handed) (workflows.Decision, error) {
	h.Next, h.NextWhy = s.NextNudge, s.NextWhy
	if h.To != "" {
		h.Freed = s.freed(f, h.Reviewers)
		if first := h.Reviewers[0]; first != s.Reviewers[0] {
			next := s.reminders(cmp.Or(h.Zones[first], s.Zones[first])).Owed(s.planned(), cmd.At)
			h.Next, h.NextWhy = next.At, next.Kind
		}
	}
	events := []workflows.Event{cmd.Event(kind, h)}
	next, err := s.fold(events...)
	if err != nil {
		return workflows.Decision{}, err
	}
	return workflows.Decision{Events: events, Calls: []workflows.Call{next.tellCampaign()}}, nil
}

// gone says why a reviewer cannot go on: deactivated (or no full member any more), absent, delegated; "" when they can.
func (s PacketState) gone(f workflows.Facts, who string, at time.Time) string {
	p, known := f.People[who]
	switch {
	case known && p.Standing != "":
		return "deactivated"
	case standIn(f, who, at) != "":
		return "delegated"
	case p.Away && (p.AwayUntil.IsZero() || p.AwayUntil.Sub(at) > awayTooLong):
		return "absent"
	}
	return ""
}

// standIn is whom somebody has asked to decide in their place, "" for nobody.
func standIn(f workflows.Facts, who string, at time.Time) string {
	for _, g := range f.Delegations {
		if g.From == who && g.ActiveAt(at) {
			return g.To
		}
	}
	return ""
}

// concerns reports whether a row of the packet is the person's own.
func (s PacketState) concerns(f workflows.Facts, who string) bool {
	id := s.identity(f, who)
	return slices.ContainsFunc(s.Rows, func(r population.Row) bool { return r.About(id) })
}

// freed are the exceptions that concern none of the new reviewers, as far as their addresses are
// known: they are ordinary rows again, and open.
func (s PacketState) freed(f workflows.Facts, reviewers []string) []int {
	var out []int
	for _, r := range s.Rows {
		if r.Exception != "" && !slices.ContainsFunc(reviewers, func(who string) bool {
			id := s.identity(f, who)
			return len(id.Emails) == 0 || r.About(id) || workflows.Among(who, r.Holders, r.Custodians)
		}) {
			out = append(out, r.N)
		}
	}
	return out
}

// successor is the next person who can review, "" for nobody.
func (s PacketState) successor(f workflows.Facts, at time.Time) string {
	for _, who := range s.Backups {
		p, known := f.People[who]
		tried := slices.ContainsFunc(s.Handovers, func(h Handover) bool { return h.From == who })
		if known && p.Standing == "" && !workflows.Among(who, s.Reviewers) && !tried && !s.concerns(f, who) &&
			s.gone(f, who, at) == "" {
			return who
		}
	}
	return ""
}

// reassign gives the packet to somebody else, with a note. The reviewer gives their own part, an
// administrator the whole.
func (s PacketState) reassign(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if !cmd.Submitted {
		return workflows.Decision{Reply: workflows.Reply{Modal: s.reassignForm()}}, nil
	}
	to, note := cmd.Input[BlockPerson], strings.TrimSpace(cmd.Input[BlockNote])
	onField := func(field, text string) (workflows.Decision, error) {
		return workflows.Decision{Reply: workflows.Reply{Errors: map[string]string{field: text}}}, nil
	}
	switch {
	case to == "":
		return onField(BlockPerson, "Choose who is to review instead.")
	case note == "":
		return onField(BlockNote, "Please say why; the new reviewer and the auditors read it.")
	case cmd.Round != workflows.NoRound && cmd.Round < s.HandedIn:
		return onField(BlockPerson, "Meanwhile this part has come to "+workflows.Mentions(s.Reviewers)+
			", which this form does not show. Nothing was recorded. Open it anew from the card.")
	case workflows.Among(to, s.Reviewers):
		return onField(BlockPerson, "They review it already. Choose somebody else.")
	case f.People[to].Standing != "" || f.People[to].ID == "":
		return onField(BlockPerson,
			"This person cannot review: only active full members of this workspace can. Choose somebody else.")
	case s.concerns(f, to):
		return onField(BlockPerson,
			"A row of this review is about this person, and nobody reviews themselves. Choose somebody else.")
	}
	from := cmd.Actor.ID
	rest := slices.DeleteFunc(slices.Clone(s.Reviewers), func(r string) bool { return r == from })
	if len(rest) == len(s.Reviewers) { // an administrator, who does not review it
		from, rest = s.Reviewers[0], nil
	}
	d, err := s.hand(cmd, f, evHanded, handed{known: knownOf(f, to, cmd.Actor.ID),
		Reviewers: workflows.Union(rest, []string{to}),
		Handover:  Handover{At: cmd.At, From: from, To: to, Why: "reassigned", Note: note, By: cmd.Actor.ID}})
	text := workflows.Mention(to) + " has it now, with your note. What is decided so far stays."
	if len(rest) > 0 {
		text += " " + workflows.Mentions(rest) + " can still decide it, too."
	}
	d.Reply = workflows.Reply{Text: text}
	return d, err
}
