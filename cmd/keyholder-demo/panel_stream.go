package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// panelState is everything that the panel shows. Now is apart, for it changes without anything happening.
type panelState struct {
	Now     time.Time                `json:"now"`
	Ahead   int64                    `json:"ahead"` // of real time, in seconds
	Seed    uint64                   `json:"seed"`
	Faults  bool                     `json:"faults"`
	Codes   bool                     `json:"codes"` // one-time codes show who somebody is
	Mailbox string                   `json:"mailbox"`
	Account string                   `json:"account"`
	Tour    tourView                 `json:"tour"`
	World   []integratorsim.Snapshot `json:"accounts"`
	Mails   []integratorsim.Mail     `json:"mails"`
	Letters []letter                 `json:"letters"` // of the bot itself, as they arrived
	Off     []string                 `json:"mailboxesOff"`
	// World differs from one world to the next; Fresh says that a next one can be asked for.
	Began int64 `json:"world"`
	Fresh bool  `json:"fresh"`
	// Jumped says that the time was moved at all, Happened what the bot did right after it was moved last.
	Jumped   bool        `json:"jumped"`
	Happened []happening `json:"happened"`
}

// panelState looks at both simulators.
func (d *demo) panelState() panelState { return d.panelStateOf(d.slack.AllMessages()) }

func (d *demo) panelStateOf(messages []slacksim.Message) panelState {
	world := d.integrator.State()
	return panelState{Now: world.Now, Ahead: int64(d.clock.Ahead() / time.Second), Seed: d.seed, Faults: d.faults,
		Codes:   d.codes,
		Mailbox: aliasEmail, Account: "Acme Production",
		Tour: d.tourNow(messages, world), World: world.Accounts, Mails: world.Mails, Letters: d.mail.all(),
		Off: world.MailboxesOff, Jumped: d.jumped.Load() != 0, Happened: d.happened(messages),
		Began: d.began, Fresh: d.renew != nil}
}

const (
	lookEvery = 250 * time.Millisecond // for integrator.io, which tells nobody of its changes
	joinFor   = 50 * time.Millisecond  // changes that come together are sent together
	beatEvery = 15 * time.Second       // a stream that is silent for longer may be cut on its way
)

// stream sends the state as server-sent events named state: at once, after each change, and now and then without one.
func (d *demo) stream(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	var last []byte
	var sent time.Time
	version, messages := uint64(0), d.slack.AllMessages()
	for r.Context().Err() == nil {
		state := d.panelStateOf(messages)
		now := state.Now
		state.Now = time.Time{}
		raw, err := json.Marshal(state)
		if err != nil {
			d.log.Error().Err(err).Msg("write the panel's state")
			return
		}
		if !bytes.Equal(raw, last) || time.Since(sent) > beatEvery {
			state.Now = now
			if raw2, err := json.Marshal(state); err != nil || !event(w, out, raw2) {
				return
			}
			last, sent = raw, time.Now()
		}
		if now := d.change(r.Context(), version); now != version {
			version, messages = now, d.slack.AllMessages()
		}
	}
}

func event(w http.ResponseWriter, out *http.ResponseController, raw []byte) bool {
	if _, err := fmt.Fprintf(w, "event: state\ndata: %s\n\n", raw); err != nil {
		return false
	}
	return out.Flush() == nil
}

// change waits until something may have changed, and answers Slack's version. The time may move
// without Slack, and so may integrator.io.
func (d *demo) change(ctx context.Context, version uint64) uint64 {
	bounded, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	_ = d.slack.Wait(bounded, func(n *slacksim.Snapshot) bool {
		changed := n.Version != version
		version = n.Version
		return changed
	}) // its end by time is a reason to look, too
	select {
	case <-ctx.Done():
	case <-time.After(joinFor):
	}
	return version
}
