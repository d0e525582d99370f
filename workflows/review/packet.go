package review

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// Packet is the machine of one reviewer's rows; its zero value is ready.
type Packet struct{}

var _ workflows.Machine = Packet{}

// Name implements workflows.Machine.
func (Packet) Name() string { return "packet" }

// Letter implements workflows.Machine.
func (Packet) Letter() byte { return 'p' }

// Schema implements workflows.Machine.
func (Packet) Schema() int { return 1 }

// New implements workflows.Machine.
func (Packet) New() workflows.State { return PacketState{} }

// Decode implements workflows.Machine.
func (Packet) Decode(raw []byte) (workflows.State, error) {
	var s PacketState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode packet: %w", err)
	}
	return s, nil
}

// Needs implements workflows.Machine. Whoever acts is looked up; where it may come to another
// reviewer, those who could follow are, too.
func (Packet) Needs(st workflows.State, cmd workflows.Command, _ workflows.Policy,
	_ workflows.AccountState) workflows.Needs {
	s := st.(PacketState)
	var n workflows.Needs
	if cmd.Actor.Kind == workflows.ByPerson {
		n.People = []string{cmd.Actor.ID}
	}
	switch cmd.Name {
	case openPacket:
		if a, err := assigned(cmd); err == nil {
			n.People = []string{a.Reviewer}
		}
	case ActReassign:
		n.People = workflows.Union(n.People, []string{cmd.Input[BlockPerson]})
	case workflows.CmdTimer, LookPeople, workflows.CmdDelegated:
		n.People = workflows.Union(n.People, s.Reviewers, s.Backups)
		n.Delegations = s.Reviewers
	}
	return n
}

// Decide implements workflows.Machine.
func (Packet) Decide(st workflows.State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	return decidePacket(st.(PacketState), cmd, f)
}

// Apply implements workflows.Machine.
func (Packet) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(PacketState)
	fold, known := packetFolds[e.Type]
	if !known {
		return s, fmt.Errorf("apply %q: %w", e.Type, workflows.ErrUnknownEvent)
	}
	s.Names, s.Zones, s.Addresses = maps.Clone(s.Names), maps.Clone(s.Zones), maps.Clone(s.Addresses)
	s.TokensSeen = maps.Clone(s.TokensSeen)
	s.Verdicts, s.Fixes, s.Rows = slices.Clone(s.Verdicts), slices.Clone(s.Fixes), slices.Clone(s.Rows)
	s.Undo, s.Handovers, s.Told = slices.Clip(s.Undo), slices.Clip(s.Handovers), slices.Clip(s.Told)
	s.Turning = false
	if err := fold(&s, e); err != nil {
		return st, fmt.Errorf("apply %s: %w", e.Type, err)
	}
	return s, nil
}

// View implements workflows.Machine.
func (Packet) View(st workflows.State) workflows.View { return st.(PacketState).view() }

// Tell implements workflows.Machine.
func (Packet) Tell(e workflows.Event) string { return tellPacket(e) }

// decidePacket finds what answers a command.
func decidePacket(s PacketState, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if cmd.Actor.Kind == workflows.ByPerson && cmd.Name != workflows.CmdDelegated {
		return s.byPerson(cmd, f)
	}
	if cmd.Name == openPacket && !s.Opened() {
		return begin(cmd, f)
	}
	if !s.Opened() || s.Closed() {
		return workflows.Decision{}, nil
	}
	switch cmd.Name {
	case workflows.CmdTimer:
		return s.timer(cmd, f)
	case LookPeople, workflows.CmdDelegated:
		return s.people(cmd, f)
	case closePacket:
		return s.close(cmd, f)
	case PacketFixed:
		return s.fixed(cmd)
	case packetMailbox:
		return s.mailbox(cmd)
	case packetSeen:
		return s.seen(cmd)
	case workflows.CmdReceipt:
		return s.tokensSeen(cmd)
	}
	return workflows.Decision{}, nil
}

// byPerson authorises a click or form and answers it.
func (s PacketState) byPerson(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	acts := map[string]func(PacketState, workflows.Command, workflows.Facts) (workflows.Decision, error){
		ActOpen: PacketState.open, ActPrev: PacketState.turn, ActNext: PacketState.turn, FormPacket: PacketState.save,
		ActUndo:    PacketState.undo,
		ActKeepAll: PacketState.keepAll, ActSign: PacketState.sign, ActReassign: PacketState.reassign,
		ActConfirm: PacketState.confirm, ActRetry: PacketState.retry, ActRevoked: PacketState.revoked,
	}
	act, known := acts[cmd.Name]
	if !known || !s.Opened() {
		return workflows.Decision{}, workflows.Refuse("unknown_action",
			"That button is not one of this card's. Nothing was recorded. Use the buttons on your card.")
	}
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return workflows.Decision{}, r
	}
	if r := s.may(cmd); r != nil {
		return workflows.Decision{}, r
	}
	return act(s, cmd, f)
}

// may says why this person may not give this command now, nil when they may.
func (s PacketState) may(cmd workflows.Command) *workflows.Refusal {
	who := cmd.Actor.ID
	fixing := cmd.Name == ActConfirm || cmd.Name == ActRetry || cmd.Name == ActRevoked
	refuse := func(code, text string) *workflows.Refusal {
		r := workflows.Refuse(code, text)
		r.Refresh = true
		return r
	}
	switch {
	case s.Closed():
		return refuse("closed", "This part of the review is over. Nothing was recorded. {command} audit "+s.ID+
			" tells what was decided.")
	case fixing && s.Phase != PacketFixing:
		return refuse("not_now",
			"There is nothing to confirm or to begin again yet: reviewers still decide. Nothing was recorded.")
	case fixing:
		if !workflows.Among(who, s.managers()) {
			return workflows.Refuse("not_permitted",
				"Only the administrators and holders look after what this review decided: "+
					workflows.Mentions(s.managers())+". Nothing was recorded.")
		}
	case s.Phase != PacketReviewing && !workflows.Among(cmd.Name, looking):
		return refuse("signed", s.signedText()+" Nothing was recorded.")
	case cmd.Name == ActReassign && workflows.Among(who, s.Admins):
	case !workflows.Among(who, s.Reviewers):
		return refuse("not_permitted", "This part of the review is with "+workflows.Mentions(s.Reviewers)+
			". Nothing was recorded. It can be given to somebody else by "+
			workflows.Mentions(workflows.Union(s.Reviewers, s.Admins))+".")
	}
	// A form may be older than the card: each of its rows is compared by itself, so that nobody's work is lost.
	// Who only wants to look is shown how it stands now.
	if cmd.View == "" && !cmd.Submitted && !workflows.Among(cmd.Name, looking) && cmd.Round != workflows.NoRound &&
		cmd.Round != s.Round {
		return refuse("old_round", "This card has changed since you opened it: "+s.progress()+
			" Nothing was recorded by this click. Look at your card; it shows what is asked now.")
	}
	return nil
}

// looking are the actions that only show something.
var looking = []string{ActOpen, ActPrev, ActNext}

// managers look after what was decided: administrators and holders.
func (s PacketState) managers() []string { return workflows.Union(s.Admins, s.Holders) }

func (s PacketState) signedText() string {
	if s.Signed == nil {
		return "The time of this review is over."
	}
	return "Signed off by " + workflows.Mention(s.Signed.By) + ", " + workflows.When(s.Signed.At) +
		": it does not change any more."
}

func assigned(cmd workflows.Command) (Assigned, error) {
	var a Assigned
	if err := json.Unmarshal([]byte(cmd.Input["assigned"]), &a); err != nil {
		return a, fmt.Errorf("decode what a packet is given: %w", err)
	}
	return a, nil
}

// begin opens a packet as the campaign assigned it.
func begin(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	a, err := assigned(cmd)
	if err != nil {
		return workflows.Decision{}, err
	}
	a.ID = cmd.Workflow
	b := begun{Assigned: a, known: knownOf(f, a.Reviewer)}
	next := a.reminders(b.Zones[a.Reviewer]).Next(cmd.At)
	b.Next, b.Why = next.At, next.Kind
	return workflows.Decision{Events: []workflows.Event{cmd.Event(evBegun, b)}}, nil
}

// known is what is kept of people for exports and for their working hours.
type known struct {
	Names map[string]string `json:"names,omitempty"`
	Zones map[string]string `json:"zones,omitempty"`
	// Addresses are those of reviewers, confirmed or not: whoever had a row's address once does not decide it later.
	Addresses map[string][]string `json:"addresses,omitempty"`
}

func knownOf(f workflows.Facts, people ...string) known {
	k := known{Names: map[string]string{}, Zones: map[string]string{}, Addresses: map[string][]string{}}
	for _, id := range people {
		if p, ok := f.People[id]; ok {
			k.Names[id], k.Zones[id] = p.Name, p.TimeZone
			if who := f.Known(id); len(who.Emails) > 0 {
				k.Addresses[id] = who.Emails
			}
		}
	}
	return k
}
