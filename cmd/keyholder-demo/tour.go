package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// tour is the list of things to try. It keeps nothing but the moment from which things count: what
// is done is read from what both simulators hold, so that it does not matter who did it, where, or
// whether the panel was open.
type tour struct {
	since atomic.Int64 // microseconds of the demo's time
	kind  string       // of the world, fixed when it is made: "" is the transfer's
}

// restart makes everything before now count no more. A transfer that is still open stays the tour's.
func (t *tour) restart(now time.Time) { t.since.Store(now.UnixMicro()) }

// tourStep is one thing to try, as the panel shows it. Text is plain with `code`, *strong* words and [links].
type tourStep struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// Show names the place in the panel where this step is pressed; "" when it is all in Slack.
	Show string `json:"show,omitempty"`
	// At is the key of the control that is pressed there; "" is the first.
	At   string `json:"at,omitempty"`
	Done bool   `json:"done"`
	// Jump is how far the step's own button moves the time, in seconds; 0: it has none.
	Jump int64 `json:"jump,omitempty"`
	// Missed says that it can no longer be done in this round, because of what happened meanwhile.
	Missed bool `json:"missed,omitempty"`
}

// tourView is the tour as the panel shows it.
type tourView struct {
	Steps []tourStep `json:"steps"`
	// Current is the index of the first step that can be done and is not; the number of steps when there is none.
	Current int `json:"current"`
	// Note says what got in the way; "" when nothing did.
	Note string `json:"note,omitempty"`
	// ID is the tour's, Lead what the world is like at its beginning, End what is said when all is done.
	ID   string `json:"id"`
	Lead string `json:"lead"`
	End  string `json:"end"`
	// Others are the tours that can be begun in a world of their own.
	Others []tourChoice `json:"others"`
	// Links are where the names in the steps' texts lead.
	Links map[string]place `json:"links"`
}

// Places in the panel.
const (
	showMail   = "mail"
	showTime   = "time"
	showMeddle = "meddle"
)

// tourSteps are all steps in their order. ID in a text becomes the transfer's.
func tourSteps() []tourStep {
	return []tourStep{
		{ID: "ask", Title: "Ask for a transfer",
			Text: "Act as [Dee in #integration-ops]. Type `/io transfer`, choose *" + aliasEmail +
				"*, say why, and press *Ask for it*. Her card comes from *keyholder*, under Apps."},
		{ID: "refused", Title: "See a refusal",
			Text: "Act as [Gus in #general], a guest, and type `/io transfer`. The answer is for him alone, and nothing is recorded."},
		{ID: "member", Title: "Make the mailbox a user", Show: showMail,
			Text: "The mailbox must be a user before it can be the owner. Act as [Ana] and press *I'm on it* on her card. Then, in the panel, open the mailbox's mail and press *Sign up and accept*."},
		{ID: "reminded", Title: "Let time pass", Show: showTime,
			Text: "Ana, Ben and Cat are asked to confirm, and nobody answers. Press *+1 day* in the panel, twice. Then act as [Ben]: a reminder stands under his card."},
		{ID: "confirmed", Title: "Have two people confirm",
			Text: "Press *Confirm* as [Ana], then as [Ben]. Two of the three are enough. Dee asked, so she has no such button."},
		{ID: "invited", Title: "Let the time to stop it pass", Show: showTime,
			Text: "Now anyone concerned can still stop it, Jane too. Wait half a minute, or press *+1 hour*: Keyholder checks once more, and integrator.io invites the new owner."},
		{ID: "owner", Title: "Become the owner", Show: showMail,
			Text: "In the panel, open the mailbox's mail about ownership and press *Accept as the new owner*."},
		{ID: "finished", Title: "Finish",
			Text: "Act as [Jane]: a message tells her who owns the account now. Then act as [Ana], press *Finish…* on her card, tick what is done, and send the list. What is left open stays on the card until somebody does it or waives it."},
		{ID: "audited", Title: "Read the record",
			Text: "As [Dee in #integration-ops], type `/io audit ID`. Each line says who did what, when, and how Keyholder knows."},
	}
}

// trace is what the simulators hold about the tour's transfer and the two things beside it.
type trace struct {
	id                string // of the newest transfer; "" when none counts
	began             int64  // microseconds
	asking, confirmed bool
	changed           bool
	settled           int64 // when its card said last that the list is closed, microseconds; 0 before that
	over              int64 // when it ended, microseconds; 0 while it goes on
	refused, reminded bool
}

// cardMark is the metadata that Keyholder gives its cards: the effect is card/WORKFLOW/NAME/RECIPIENT.
type cardMark struct {
	Payload struct {
		Effect   string `json:"effect"`
		Workflow string `json:"workflow"`
	} `json:"event_payload"`
}

// read collects the trace from all messages of the workspace.
func (t *tour) read(messages []slacksim.Message) trace {
	var all map[string]*trace
	out := trace{}
	since := t.since.Load()
	for _, m := range messages {
		if m.BotID == "" || m.Deleted {
			continue
		}
		at := micros(m.TS)
		id, name := cardOf(m, "t")
		if id == "" {
			out.refused = out.refused || at > since && private(m) && strings.Contains(m.Text, "othing was recorded")
			continue
		}
		if all == nil {
			all = map[string]*trace{}
		}
		if all[id] == nil {
			all[id] = &trace{id: id, began: at}
		}
		c := all[id]
		c.began = min(c.began, at)
		c.add(name, m.Text, max(at, micros(m.EditedTS)))
		out.reminded = out.reminded || at > since && strings.HasPrefix(name, "reminder")
	}
	for _, c := range all {
		if end := max(c.over, c.settled); (c.began > since || end == 0 || end > since) &&
			(out.id == "" || c.began > out.began) {
			c.refused, c.reminded = out.refused, out.reminded
			out = *c
		}
	}
	return out
}

func (c *trace) add(name, text string, at int64) {
	switch name {
	case "main":
		c.asking = c.asking || strings.HasPrefix(text, "Confirm: ")
		c.confirmed = c.confirmed || strings.HasPrefix(text, "Confirmed: ")
		if strings.HasSuffix(text, "of the handover open") { // points stay on the card until they are done
			c.settled = max(c.settled, at)
		}
	case "changed":
		c.changed = true
	case "outcome":
		c.over = at
	}
}

// cardOf answers which workflow with that letter a message is a card of, and the card's name; "" for anything else.
func cardOf(m slacksim.Message, letter string) (id, name string) {
	var mark cardMark
	if len(m.Metadata) == 0 || json.Unmarshal(m.Metadata, &mark) != nil || !strings.HasPrefix(mark.Payload.Workflow,
		letter) {
		return "", ""
	}
	parts := strings.Split(mark.Payload.Effect, "/")
	if len(parts) != 4 || parts[0] != "card" {
		return "", ""
	}
	return mark.Payload.Workflow, parts[2]
}

// private reports whether only one person reads the message: an answer in a channel that others do
// not see, or a direct message.
func private(m slacksim.Message) bool {
	return m.EphemeralTo != "" || strings.HasPrefix(m.Channel, "D")
}

// micros reads a Slack timestamp; 0 when it is none.
func micros(ts string) int64 {
	n, err := strconv.ParseInt(strings.Replace(ts, ".", "", 1), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// view says how far the tour is.
func (t *tour) view(scene scene) tourView {
	messages, account := scene.messages, scene.world.Accounts[0]
	x := t.read(messages)
	lost := x.over != 0 && !x.changed
	going := x.id != "" && !lost
	invited := x.changed || invitedSince(account, x.began)
	done := map[string]bool{
		"ask": going, "refused": x.refused, "reminded": x.reminded,
		// Keyholder has seen it, so that a jump in time is one of the next step
		"member":    going && (x.asking || x.confirmed || invited),
		"confirmed": going && (x.confirmed || invited),
		"invited":   going && invited,
		"owner":     going && x.changed,
		"finished":  going && (x.over != 0 || x.settled != 0),
		"audited":   going && t.audited(messages, x.id),
	}
	// Whatever its step says, what comes before another thing cannot come after it any more.
	missed := map[string]bool{"reminded": done["confirmed"], "member": done["confirmed"], "confirmed": done["invited"],
		"invited": done["owner"], "owner": done["finished"]}
	out := tourView{Steps: tourSteps(), Current: -1}
	if lost {
		out.Note = "The transfer " + x.id + " ended, and the owner stayed. That happens too. Ask once more to go on."
	}
	if !going && account.Owner.Email == aliasEmail {
		out.Note = "The mailbox owns the account already. To do it once more, start a fresh world."
	}
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Done = done[s.ID]
		s.Missed = !s.Done && missed[s.ID]
		if going {
			s.Text = strings.Replace(s.Text, "audit ID", "audit "+x.id, 1)
		}
		if !s.Done && !s.Missed && out.Current < 0 {
			out.Current = i
		}
	}
	if out.Current < 0 {
		out.Current = len(out.Steps)
	}
	return out
}

// invitedSince reports an invitation to own the account that was made after that moment and not taken back.
func invitedSince(account integratorsim.Snapshot, began int64) bool {
	for _, tr := range account.Transfers {
		if tr.Account && tr.Status != "canceled" && !tr.Dismissed && tr.CreatedAt.UnixMicro() >= began {
			return true
		}
	}
	return false
}

// audited reports whether somebody was told the story of the transfer.
func (t *tour) audited(messages []slacksim.Message, id string) bool {
	for _, m := range messages {
		if m.BotID != "" && micros(m.TS) > t.since.Load() && private(m) && strings.Contains(m.Text, "(`"+id+"`), ") {
			return true
		}
	}
	return false
}
