package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Types of events of a packet, with the bodies below.
const (
	evBegun      = "packet.opened"      // begun
	evLooked     = "packet.looked"      // known: somebody looked at the rows for the first time
	evSaved      = "packet.saved"       // saved
	evUndone     = "packet.undone"      // none: the last saving is taken back
	evSigned     = "packet.signed"      // Signature
	evHanded     = "packet.handed_over" // handed
	evEscalated  = "packet.escalated"   // handed: a step of the escalation, with or without somebody to go to
	evNudged     = "packet.reminded"    // nudged
	evChecked    = "packet.checked"     // none: the reviewers are still there
	evClosed     = "packet.closed"      // closed
	evFixed      = "packet.fixed"       // fixes
	evLate       = "packet.late"        // none
	evMailbox    = "packet.mailbox"     // Mailbox; evTokensRead is in tokens.go
	evPacketOver = "packet.completed"   // none
)

type none struct{}

type begun struct {
	Assigned
	known
	Next time.Time `json:"next,omitzero"`
	Why  string    `json:"why,omitempty"`
}

type saved struct {
	known
	Verdicts map[int]population.Verdict `json:"verdicts"` // by row number
	Bulk     bool                       `json:"bulk,omitempty"`
	Emails   map[int]string             `json:"emails,omitempty"` // of these rows, for whoever reads the story
	Turned   bool                       `json:"turned,omitempty"` // by turning the page: the form is still open
}

type handed struct {
	known
	Handover
	// Reviewers is who may decide from now on.
	Reviewers []string `json:"reviewers"`
	// Freed are rows that were exceptions, and concern none of the reviewers any more: they are open again.
	Freed []int `json:"freed,omitempty"`
	Step  int   `json:"step,omitempty"` // of the escalation
	// Looked says that the standing of all reviewers was looked at; where only somebody was added
	// or chosen, that is still due.
	Looked  bool      `json:"looked,omitempty"`
	Next    time.Time `json:"next,omitzero"`
	NextWhy string    `json:"next_why,omitempty"`
}

type nudged struct {
	Nudge
	Next    time.Time `json:"next,omitzero"`
	NextWhy string    `json:"next_why,omitempty"`
}

type closed struct {
	NoAnswer []int            `json:"no_answer,omitempty"` // rows
	Emails   map[int]string   `json:"emails,omitempty"`    // of these, where they are few
	Fixes    []population.Fix `json:"fixes,omitempty"`
}

type fixes struct {
	Fixes  []population.Fix `json:"fixes"`
	By     string           `json:"by,omitempty"`     // who confirmed or began again
	Emails map[int]string   `json:"emails,omitempty"` // of their rows
}

// Mailbox is what is known of a shared mailbox besides the configuration.
type Mailbox struct {
	Email       string    `json:"email"`
	Delegates   []string  `json:"delegates,omitempty"`
	Differences []string  `json:"differences,omitempty"`
	Attested    string    `json:"attested,omitempty"` // who says that holders and delegates agree
	By          string    `json:"by"`
	At          time.Time `json:"at"`
	Edit        int       `json:"edit,omitempty"` // of the campaign, which said so last
}

// with decodes an event's body for a fold.
func with[S, B any](fold func(*S, workflows.Event, B)) func(*S, workflows.Event) error {
	return func(s *S, e workflows.Event) error {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		fold(s, e, b)
		return nil
	}
}

// packetFolds apply each kind of event; none of them decides anything.
var packetFolds = map[string]func(*PacketState, workflows.Event) error{
	evBegun: with(func(s *PacketState, e workflows.Event, b begun) {
		s.Assigned, s.Phase, s.Round, s.Checked = b.Assigned, PacketReviewing, 1, e.At
		s.Reviewers, s.Told = []string{b.Reviewer}, []string{b.Reviewer}
		s.Verdicts = make([]population.Verdict, len(b.Rows))
		s.NextNudge, s.NextWhy = b.Next, b.Why
		s.learn(b.known)
	}),
	evLooked: with(func(s *PacketState, e workflows.Event, b known) {
		s.Looked = e.At
		s.learn(b)
	}),
	evSaved: with(func(s *PacketState, e workflows.Event, b saved) {
		step := Step{By: e.By.ID, At: e.At, Was: map[int]population.Verdict{}, Bulk: b.Bulk}
		if len(s.Reviewers) > 1 { // somebody else may have the old card or form open
			s.Round++
		}
		s.Turning = b.Turned
		s.Edits++
		for n, v := range b.Verdicts {
			step.Was[n] = s.Verdicts[n-1]
			v.Seq = s.Edits
			s.Verdicts[n-1] = v
		}
		s.Undo = append(s.Undo[max(0, len(s.Undo)+1-maxUndo):], step)
		s.learn(b.known)
	}),
	evUndone: with(func(s *PacketState, e workflows.Event, _ none) {
		last := s.Undo[len(s.Undo)-1]
		if len(s.Reviewers) > 1 { // as for a saving
			s.Round++
		}
		s.Edits++
		for n, v := range last.Was {
			v.Seq = s.Edits
			s.Verdicts[n-1] = v
		}
		s.Undo = s.Undo[:len(s.Undo)-1]
	}),
	evSigned: with(func(s *PacketState, e workflows.Event, b Signature) {
		s.Signed, s.Phase, s.Undo = &b, PacketSigned, nil
		s.NextNudge = time.Time{}
		s.Round++
	}),
	evHanded:    with((*PacketState).handedOver),
	evEscalated: with((*PacketState).handedOver),
	evNudged: with(func(s *PacketState, e workflows.Event, b nudged) {
		s.Nudges, s.Last, s.NextNudge, s.NextWhy = b.N, &b.Nudge, b.Next, b.NextWhy
	}),
	evChecked: with(func(s *PacketState, e workflows.Event, _ none) { s.Checked = e.At }),
	evClosed: with(func(s *PacketState, e workflows.Event, b closed) {
		for _, n := range b.NoAnswer {
			s.Rows[n-1].Flags = append(s.Rows[n-1].Flags[:len(s.Rows[n-1].Flags):len(s.Rows[n-1].Flags)],
				population.FlagNoAnswer)
			s.Verdicts[n-1] = population.Verdict{Decision: population.NoAnswer, Reason: s.Verdicts[n-1].Reason,
				At: e.At}
		}
		s.Fixes, s.ClosedAt, s.Phase, s.Undo, s.NextNudge = b.Fixes, e.At, PacketFixing, nil, time.Time{}
		s.Shown = slices.ContainsFunc(s.Fixes, needsPeople)
		s.Round++
	}),
	evFixed: with(func(s *PacketState, e workflows.Event, b fixes) {
		for _, f := range b.Fixes {
			for i := range s.Fixes {
				if s.Fixes[i].Row == f.Row {
					s.Fixes[i] = f
				}
			}
		}
		s.Round++
		s.Shown = s.Shown || slices.ContainsFunc(s.Fixes, needsPeople)
	}),
	evLate: with(func(s *PacketState, e workflows.Event, _ none) { s.Late, s.Shown = true, true }),
	evMailbox: with(func(s *PacketState, e workflows.Event, b Mailbox) {
		for i, r := range s.Rows {
			if r.Master() && workflows.SameEmail(r.Email, b.Email) {
				s.Rows[i].Delegates, s.Rows[i].Differences, s.Rows[i].Attested = b.Delegates, b.Differences, b.Attested
			}
		}
	}),
	evTokensRead: with(func(s *PacketState, _ workflows.Event, b tokensRead) {
		if s.TokensSeen == nil {
			s.TokensSeen = map[string]TokensSeen{}
		}
		s.TokensSeen[b.Environment] = b.TokensSeen
	}),
	evPacketOver: with(func(s *PacketState, e workflows.Event, _ none) { s.Phase, s.Ended = PacketCompleted, e.At }),
}

// needsPeople reports whether a remedy asks something of administrators and holders: to confirm a
// word, to look a second time, to ask for a transfer, to revoke a token.
func needsPeople(f population.Fix) bool {
	return f.State == population.FixDone || f.State == population.FixFailed || f.Action == population.FixTransfer ||
		f.Action == population.FixRevoke
}

// maxUndo is how many savings can be taken back; older ones stay as they are.
const maxUndo = 50

func (s *PacketState) learn(k known) {
	for id, name := range k.Names {
		if s.Names == nil {
			s.Names = map[string]string{}
		}
		s.Names[id] = name
	}
	for id, zone := range k.Zones {
		if s.Zones == nil {
			s.Zones = map[string]string{}
		}
		s.Zones[id] = zone
	}
	for id, emails := range k.Addresses {
		if s.Addresses == nil {
			s.Addresses = map[string][]string{}
		}
		s.Addresses[id] = approvals.Identity{ID: id, Emails: s.Addresses[id]}.With(emails...).Emails
	}
}

// handedOver changes who reviews.
func (s *PacketState) handedOver(e workflows.Event, b handed) {
	s.learn(b.known)
	if b.Looked {
		s.Checked = e.At
	}
	if b.Step > 0 {
		s.Escalated = b.Step
	}
	s.NextNudge, s.NextWhy = b.Next, b.NextWhy
	if b.To == "" {
		return // nobody to go to: only told
	}
	s.Handovers = append(s.Handovers, b.Handover)
	s.Reviewers = b.Reviewers
	if len(b.Freed) > 0 {
		s.Edits++
	}
	for _, n := range b.Freed { // what somebody decided about themselves is asked anew
		s.Rows[n-1].Exception, s.Verdicts[n-1] = "", population.Verdict{Seq: s.Edits}
	}
	s.Told = workflows.Union(s.Told, b.Reviewers)
	s.Round++
	s.HandedIn = s.Round
}

// fold applies events to a state.
func (s PacketState) fold(events ...workflows.Event) (PacketState, error) {
	var st workflows.State = s
	var err error
	for _, e := range events {
		if st, err = (Packet{}).Apply(st, e); err != nil {
			return s, err
		}
	}
	return st.(PacketState), nil
}
