package review

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// timer closes the campaign when its time is over, and reads again what could not be read.
func (s CampaignState) timer(cmd workflows.Command) (workflows.Decision, error) {
	if cmd.Timer.Name == timerReread && !s.nextReading().IsZero() {
		return s.rereads(cmd, s.unreadEnvironments(cmd.At)), nil
	}
	if cmd.Timer.Name == "close" && s.Phase == CampaignOpen {
		return s.closing(cmd, workflows.Decision{})
	}
	return workflows.Decision{}, nil
}

// moved takes in how a packet stands.
func (s CampaignState) moved(cmd workflows.Command) (workflows.Decision, error) {
	var p Part
	if err := json.Unmarshal([]byte(cmd.Input["part"]), &p); err != nil {
		return workflows.Decision{}, fmt.Errorf("decode a part: %w", err)
	}
	i := slices.IndexFunc(s.Parts, func(known Part) bool { return known.ID == p.ID })
	if i < 0 || s.Closed() {
		return workflows.Decision{}, nil
	}
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evPart, p)}}
	before := s.Phase
	s, err := s.fold(d.Events...)
	if err != nil {
		return d, err
	}
	all := func(is func(Part) bool) bool {
		return !slices.ContainsFunc(s.Parts, func(p Part) bool { return !is(p) })
	}
	if s.Phase == CampaignOpen && all(func(p Part) bool { return p.Signed != nil }) {
		return s.closing(cmd, d)
	}
	if s.Phase == CampaignClosing && all(func(p Part) bool { return p.Closed }) {
		e := cmd.Event(evAllClosed, none{})
		d.Events = append(d.Events, e)
		if s, err = s.fold(e); err != nil {
			return d, err
		}
	}
	if s.Phase == CampaignFixing && all(func(p Part) bool { return p.Ended }) {
		e := cmd.Event(evAllDone, none{})
		d.Events = append(d.Events, e)
		if s, err = s.fold(e); err != nil {
			return d, err
		}
	}
	if s.Phase != before { // the account lists stages; how far one is stands here
		d.Account = []workflows.Event{cmd.Event(workflows.ReviewMoved, s.summary())}
	}
	return d, nil
}

// closing ends the deciding: every packet is told.
func (s CampaignState) closing(cmd workflows.Command, d workflows.Decision) (workflows.Decision, error) {
	e := cmd.Event(evClosing, none{})
	next, err := s.fold(e)
	if err != nil {
		return d, err
	}
	d.Events = append(d.Events, e)
	for _, p := range next.Parts {
		d.Calls = append(d.Calls, workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: p.ID,
			Command: closePacket})
	}
	d.Account = []workflows.Event{cmd.Event(workflows.ReviewMoved, next.summary())}
	return d, nil
}

func tellMailbox(s CampaignState, packet string, m Mailbox) workflows.Call {
	raw, err := json.Marshal(m)
	if err != nil {
		panic("review: a mailbox cannot be encoded: " + err.Error())
	}
	return workflows.Call{Op: workflows.OpTell, Account: s.AccountID, ID: packet, Command: packetMailbox,
		Input: map[string]string{"mailbox": string(raw)}}
}
