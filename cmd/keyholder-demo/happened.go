package main

import (
	"slices"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// happening is a card that the bot posted or changed, and to whom.
type happening struct {
	To   []string `json:"to"`
	Text string   `json:"text"`
}

const (
	maxHappened = 5                // how many different texts the panel shows after a jump
	dueFor      = 10 * time.Second // what the bot does later than that after a jump has another cause
)

// happened lists what the bot did when the time was moved last, the newest last; the same text to
// several people is one line. Answers to people are left out: only cards carry metadata.
func (d *demo) happened(messages []slacksim.Message) []happening {
	out := []happening{}
	jumped := d.jumped.Load()
	if jumped == 0 {
		return out
	}
	recent := slices.DeleteFunc(slices.Clone(messages), func(m slacksim.Message) bool {
		return m.Deleted || len(m.Metadata) == 0 || said(m) < jumped || said(m) > jumped+dueFor.Microseconds()
	})
	slices.SortStableFunc(recent, func(a, b slacksim.Message) int { return int(said(a) - said(b)) })
	names := d.placeNames()
	for _, m := range recent {
		to := names[m.Channel]
		i := slices.IndexFunc(out, func(h happening) bool { return h.Text == m.Text })
		switch {
		case i < 0:
			out = append(out, happening{To: []string{to}, Text: m.Text})
		case !slices.Contains(out[i].To, to):
			out[i].To = append(out[i].To, to)
		}
	}
	for _, h := range out {
		slices.Sort(h.To)
	}
	return out[max(0, len(out)-maxHappened):]
}

// said is when the bot posted or changed a message, in microseconds.
func said(m slacksim.Message) int64 { return max(micros(m.TS), micros(m.EditedTS)) }

// placeNames says how to call channels, direct messages and people.
func (d *demo) placeNames() map[string]string {
	out := map[string]string{opsRoom: "#integration-ops", everyone: "#general"}
	for _, u := range d.slack.Users() {
		out[u.ID] = u.RealName
		if dm := d.slack.DM(u.ID); dm != "" {
			out[dm] = u.RealName
		}
	}
	return out
}
