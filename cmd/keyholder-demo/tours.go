package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// The tours beside the transfer's, whose ID is "". Each has a world of its own.
const (
	tourAccess   = "access"
	tourReview   = "review"
	tourDrift    = "drift"
	tourRecovery = "recovery"
	tourDrill    = "drill"
	tourOffboard = "offboard"
)

// tourChoice is a tour that can be begun.
type tourChoice struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	lead  string
	end   string
	steps func() []tourStep
	view  func(*tour, scene) tourView
	world
}

// world is what a tour's world is like before anything happens in it.
type world struct {
	handed bool                     // the mailbox owns the account already
	made   []integratorsim.Action   // what happened at integrator.io before
	config func(yaml string) string // nil leaves the configuration as it is
}

// tours are all tours, in the order in which they are shown.
var tours = []tourChoice{
	{"", "Jane leaves", "Jane owns Acme Production and leaves in two weeks.",
		"The account belongs to a mailbox that three people can open.", tourSteps, (*tour).view, world{}},
	{tourAccess, "Oli helps out for a week",
		"Oli works elsewhere, and is to repair flows of Acme Production this week.",
		"The access is gone, and nobody had to think of it.", accessSteps, (*tour).viewAccess, world{handed: true}},
	{tourReview, "Who still needs it?", "Five people and the mailbox can use Acme Production. Do they still need to?",
		"Whoever asks in a year finds who decided what, why, and that it was done.", reviewSteps, (*tour).viewReview,
		reviewWorld},
	{tourDrift, "Somebody invites by hand",
		"Jane owns Acme Production, and invites people herself when she is in a hurry.",
		"Whatever the way in was, somebody has decided about it now.", driftSteps, (*tour).viewDrift, world{}},
	{tourRecovery, "Nobody can open the mailbox",
		"The mailbox owns Acme Production, and no mail arrives there any more.",
		"The sign-in is back, and whoever asks reads who did what, and who saw it.", recoverySteps,
		(*tour).viewRecovery, world{handed: true, config: watchKey,
			made: []integratorsim.Action{{Do: "mailbox_off", Email: aliasEmail}}}},
	{tourDrill, "The ninetieth day",
		"The mailbox owns Acme Production. Who could still sign in, if it had to be today?",
		"Who can still use the key is known now, before the day on which it matters.", drillSteps,
		(*tour).viewDrill, world{handed: true, config: watchKey}},
	{tourOffboard, "Cat leaves on Friday",
		"Cat holds the mailbox and works in two environments. Friday is her last day.",
		"What rested on Cat is off her shoulders, and what is open has a name.", offboardSteps, (*tour).viewOffboard,
		offboardWorld},
}

// chosen is the tour of a world.
func chosen(id string) tourChoice {
	return tours[slices.IndexFunc(tours, func(t tourChoice) bool { return t.ID == id })]
}

// watchKey has sign-ins of the owner seen within seconds.
func watchKey(yaml string) string { return yaml + "    key: {watch_every: 2s}\n" }

// begin brings integrator.io to where a tour begins; what happened there until now counts for no tick.
func (w world) begin(d *demo) error {
	if w.handed {
		d.info.Account.HandTo(aliasEmail, "Celigo mailbox")
	}
	for _, a := range w.made {
		if _, err := d.integrator.Act(a); err != nil {
			return fmt.Errorf("begin the world of a tour: %w", err)
		}
	}
	d.tour.restart(d.clock.Now())
	return nil
}

// configured is the configuration with which a tour begins.
func (w world) configured(yaml string) string {
	if w.handed {
		yaml = strings.Replace(yaml, "owner: "+ownerEmail, "owner: "+aliasEmail, 1)
	}
	if w.config != nil {
		yaml = w.config(yaml)
	}
	return yaml
}

// tourNow is the tour of this world as the panel shows it.
func (d *demo) tourNow(messages []slacksim.Message, now integratorsim.State) tourView {
	t := chosen(d.tour.kind)
	x := scene{messages: messages, world: now, dm: d.slack.DM}
	v := t.view(&d.tour, x)
	v.ID, v.Lead, v.End, v.Links = t.ID, t.lead, t.end, d.links(x)
	v.Others = slices.DeleteFunc(slices.Clone(tours), func(o tourChoice) bool { return o.ID == t.ID })
	return v
}

// scene is what the ticks of a tour are read from.
type scene struct {
	messages []slacksim.Message
	world    integratorsim.State
	dm       func(user string) string // the direct message with the bot; "" when there is none
}

// told reports whether the bot said one of these to somebody alone after a moment, in microseconds, on no card.
func (x scene) told(who string, after int64, any ...string) bool {
	return slices.ContainsFunc(x.messages, func(m slacksim.Message) bool {
		return m.BotID != "" && micros(m.TS) > after && (m.EphemeralTo == who || m.Channel == x.dm(who)) &&
			len(m.Metadata) == 0 &&
			slices.ContainsFunc(any, func(a string) bool { return strings.Contains(m.Text, a) })
	})
}

// place is where a name in a step leads: whom to act as, in which conversation, at which message.
type place struct {
	As      string `json:"as"`
	Channel string `json:"channel,omitempty"` // "": the one with the bot
	TS      string `json:"ts,omitempty"`
}

// links are the names that steps may link, [Name]: people by their first names, at their newest
// card with a button; and channels, [#name], which the panel opens for the person before them.
func (d *demo) links(x scene) map[string]place {
	out := map[string]place{"#integration-ops": {Channel: opsRoom}, "#general": {Channel: everyone}}
	newest := map[string]string{}
	for _, m := range x.messages {
		if m.BotID != "" && !m.Deleted && m.ThreadTS == "" && len(m.Metadata) > 0 && m.TS > newest[m.Channel] &&
			strings.Contains(string(m.Blocks), `"type":"actions"`) {
			newest[m.Channel] = m.TS
		}
	}
	for _, u := range people() {
		first, _, _ := strings.Cut(u.RealName, " ")
		out[first] = place{As: u.ID, TS: newest[x.dm(u.ID)]}
	}
	return out
}

// course is one workflow of a tour, as its cards tell.
type course struct {
	id    string // "" when none counts
	began int64  // microseconds
	over  int64  // when a card showed first that it has ended; 0 while it goes on
	texts []string
	names []string
}

// newest is the last workflow with a letter whose cards count: begun since the restart, or not over
// then. ended says of a card's text that it is over.
func (t *tour) newest(messages []slacksim.Message, letter string, ended func(text string) bool) course {
	since, all, out := t.since.Load(), map[string]*course{}, course{}
	for _, m := range messages {
		id, name := cardOf(m, letter)
		if id == "" || m.BotID == "" || m.Deleted {
			continue
		}
		at := micros(m.TS)
		if all[id] == nil {
			all[id] = &course{id: id, began: at}
		}
		c := all[id]
		c.began = min(c.began, at)
		c.texts, c.names = append(c.texts, m.Text+"\n"+string(m.Blocks)), append(c.names, name)
		if name == "main" && ended(m.Text) {
			c.over = max(c.over, at, micros(m.EditedTS))
		}
	}
	for _, c := range all {
		if (c.began > since || c.over == 0 || c.over > since) && (out.id == "" || c.began > out.began) {
			out = *c
		}
	}
	return out
}

// says reports whether a card says one of these.
func (c course) says(any ...string) bool {
	return slices.ContainsFunc(c.texts, func(text string) bool {
		return slices.ContainsFunc(any, func(a string) bool { return strings.Contains(text, a) })
	})
}

// titled reports whether a card's notification begins so.
func (c course) titled(words string) bool {
	return slices.ContainsFunc(c.texts, func(text string) bool { return strings.HasPrefix(text, words) })
}

// called reports whether there is a card whose name begins so.
func (c course) called(name string) bool {
	return slices.ContainsFunc(c.names, func(n string) bool { return strings.HasPrefix(n, name) })
}

// follow fills in a tour whose steps come one after another. A step that was not done can no longer
// be once a step after it is, unless it is one of those that can still be done until the end.
func follow(steps []tourStep, done map[string]bool, over bool, free ...string) tourView {
	out := tourView{Steps: steps, Current: len(steps)}
	later := false
	for i := len(steps) - 1; i >= 0; i-- {
		s := &out.Steps[i]
		s.Done = done[s.ID]
		s.Missed = !s.Done && (later && !slices.Contains(free, s.ID) || over && i < len(steps)-1)
		later = later || s.Done && !slices.Contains(free, s.ID)
		if !s.Done && !s.Missed {
			out.Current = i
		}
	}
	return out
}

// names puts the workflow's ID where the last steps say ID.
func (v *tourView) names(c course) {
	for i := range v.Steps {
		if c.id != "" {
			v.Steps[i].Text = strings.NewReplacer("audit ID", "audit "+c.id, "review ID", "review "+c.id).
				Replace(v.Steps[i].Text)
		}
	}
}
