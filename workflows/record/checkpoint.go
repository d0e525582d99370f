package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// CheckpointEvery is the distance of checkpoints.
const CheckpointEvery = 24 * time.Hour

// Commands of [Checkpoints], given by the program at its start.
const (
	OpenLedger = "ledger.request" // at the first start
	LookLedger = "ledger.look"    // the channel may be another one
)

// Blocks of those commands. Both may be empty: then nothing is posted.
const (
	BlockChannel = "channel" // the channel for checkpoints
	BlockNotices = "notices" // the channel that hears of what is wrong with the record
)

// Checkpoints is the machine of the ledger. A timer asks for a checkpoint each day; what comes back
// is an event of the ledger and a card in the channel. After a time in which nothing ran there is
// one checkpoint, not one for each day.
type Checkpoints struct{}

// CheckpointsState is the ledger's state.
type CheckpointsState struct {
	ID      string    `json:"id"`
	Begun   time.Time `json:"begun"`
	Channel string    `json:"channel,omitempty"`
	// Notices is the channel that hears of what is wrong with the record.
	Notices string    `json:"notices,omitempty"`
	Next    time.Time `json:"next"`
	// Drawing is true from the timer until the call was answered.
	Drawing bool             `json:"drawing,omitempty"`
	Last    chain.Checkpoint `json:"last,omitzero"`
	Before  chain.Checkpoint `json:"before,omitzero"`
	// Notice is the last thing that the channel was told about the record; Doubted is when it last heard of doubts.
	Notice  ledgerNotice `json:"notice,omitzero"`
	Doubted time.Time    `json:"doubted,omitzero"`
}

const (
	evLedgerBegun  = "ledger.begun"      // body ledgerBegun
	evLedgerMoved  = "ledger.channels"   // body ledgerChannels
	evLedgerDue    = "checkpoint.due"    // body checkpointDue
	evLedgerMissed = "checkpoint.unmade" // body: why

	// evLedgerChannel was told while all went to one channel. Body: its ID.
	evLedgerChannel = "ledger.channel"
)

type ledgerBegun struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel,omitempty"`
	Notices string    `json:"notices,omitempty"` // absent in events of when all went to one channel
	Next    time.Time `json:"next"`
}

type ledgerChannels struct {
	Channel string `json:"channel,omitempty"`
	Notices string `json:"notices,omitempty"`
}

type checkpointDue struct {
	Next time.Time `json:"next"`
	// Asked is false while the checkpoint before is still being made.
	Asked bool `json:"asked"`
}

// Opened implements [workflows.State].
func (s CheckpointsState) Opened() bool { return s.ID != "" }

// Closed implements [workflows.State].
func (s CheckpointsState) Closed() bool { return false }

// Account implements [workflows.State]. The ledger is the installation's.
func (s CheckpointsState) Account() string { return "" }

// Title implements [workflows.State]. It is empty: this is Keyholder's own work.
func (s CheckpointsState) Title() string { return "" }

// StageName implements [workflows.State].
func (s CheckpointsState) StageName() string {
	if s.Drawing {
		return "drawing"
	}
	return "waiting"
}

// Began implements [workflows.State].
func (s CheckpointsState) Began() time.Time { return s.Begun }

// Name implements [workflows.Machine].
func (Checkpoints) Name() string { return "ledger" }

// Letter implements [workflows.Machine].
func (Checkpoints) Letter() byte { return workflows.LedgerLetter }

// Schema implements [workflows.Machine].
func (Checkpoints) Schema() int { return 2 }

// New implements [workflows.Machine].
func (Checkpoints) New() workflows.State { return CheckpointsState{} }

// Decode implements [workflows.Machine].
func (Checkpoints) Decode(raw []byte) (workflows.State, error) {
	var s CheckpointsState
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode ledger: %w", err)
	}
	return s, nil
}

// Needs implements [workflows.Machine].
func (Checkpoints) Needs(workflows.State, workflows.Command, workflows.Policy, workflows.AccountState) workflows.Needs {
	return workflows.Needs{}
}

// Decide implements [workflows.Machine].
func (Checkpoints) Decide(st workflows.State, cmd workflows.Command, _ workflows.Facts) (workflows.Decision, error) {
	s := st.(CheckpointsState)
	ours := cmd.Actor.Kind == workflows.ByKeyholder
	to := ledgerChannels{cmd.Input[BlockChannel], cmd.Input[BlockNotices]}
	one := func(kind string, body any) workflows.Decision {
		return workflows.Decision{Events: []workflows.Event{cmd.Event(kind, body)}}
	}
	switch {
	case cmd.Name == OpenLedger && ours && !s.Opened():
		return one(evLedgerBegun, ledgerBegun{cmd.Workflow, to.Channel, to.Notices, cmd.At.Add(CheckpointEvery)}), nil
	case cmd.Name == LookLedger && ours && to != ledgerChannels{s.Channel, s.Notices}:
		return one(evLedgerMoved, to), nil
	case cmd.Name == LookLedger && ours:
		return workflows.Decision{}, nil
	case (cmd.Name == CmdDoubted || cmd.Name == CmdSealed) && ours && s.Opened():
		return s.notify(cmd)
	case cmd.Name == workflows.CmdTimer:
		return s.due(cmd), nil
	case cmd.Name == workflows.CmdReceipt && s.Drawing:
		return s.answered(cmd)
	case cmd.Name == workflows.CmdReceipt:
		return workflows.Decision{}, nil
	}
	return workflows.Decision{}, workflows.Refuse("unknown_action",
		"Nobody has to do anything for the checkpoints. Nothing was recorded.")
}

// due asks for a checkpoint and plans the next one, at the same time of day: the first that lies ahead.
func (s CheckpointsState) due(cmd workflows.Command) workflows.Decision {
	next := s.Next.Add(cmd.At.Sub(s.Next).Truncate(CheckpointEvery) + CheckpointEvery)
	d := workflows.Decision{Events: []workflows.Event{cmd.Event(evLedgerDue, checkpointDue{next, !s.Drawing})}}
	if !s.Drawing {
		d.Calls = []workflows.Call{{Op: workflows.OpCheckpoint, ID: s.ID}}
	}
	return d
}

// answered records a checkpoint. One that was drawn on another than the last, as by a process that
// took over, is left unmade; the next day makes up for it.
func (s CheckpointsState) answered(cmd workflows.Command) (workflows.Decision, error) {
	drawn := cmd.Receipt.Drawn
	if !cmd.Receipt.OK || drawn == nil {
		return workflows.Decision{Events: []workflows.Event{cmd.Event(evLedgerMissed, cmd.Receipt.Code)}}, nil
	}
	if drawn.Checkpoint.Number != s.Last.Number+1 || s.Last.Number > 0 && drawn.Checkpoint.Previous != s.Last.Root {
		return workflows.Decision{Events: []workflows.Event{cmd.Event(evLedgerMissed, workflows.RefusedChanged)}}, nil
	}
	var d workflows.Decision
	for heads := range slices.Chunk(drawn.Heads, chain.HeadsPerPart) {
		packed, err := chain.Pack(heads)
		if err != nil {
			return workflows.Decision{}, err
		}
		d.Events = append(d.Events, cmd.Event(chain.CheckpointPart, chain.Part{Number: drawn.Checkpoint.Number,
			Heads: packed}))
	}
	d.Events = append(d.Events, cmd.Event(chain.CheckpointMade, drawn.Checkpoint))
	return d, nil
}

// Apply implements [workflows.Machine].
func (Checkpoints) Apply(st workflows.State, e workflows.Event) (workflows.State, error) {
	s := st.(CheckpointsState)
	into := func(body any) error { return json.Unmarshal(e.Body, body) }
	var err error
	switch e.Type {
	case evLedgerBegun:
		var b ledgerBegun
		err = into(&b)
		s.ID, s.Channel, s.Notices, s.Next, s.Begun = b.ID, b.Channel, b.Notices, b.Next, e.At
	case evLedgerChannel:
		var channel string
		err = into(&channel)
		s.Channel, s.Notices = channel, channel
	case evLedgerMoved:
		var b ledgerChannels
		err = into(&b)
		s.Channel, s.Notices = b.Channel, b.Notices
	case evLedgerDue:
		var b checkpointDue
		err = into(&b)
		s.Next, s.Drawing = b.Next, true
	case evLedgerMissed:
		s.Drawing = false
	case chain.CheckpointPart:
	case evLedgerDoubted, evLedgerSealed:
		var n ledgerNotice
		err = into(&n)
		if s.Notice = n; !n.Sealed {
			s.Doubted = e.At
		}
	case chain.CheckpointMade:
		var c chain.Checkpoint
		err = into(&c)
		s.Before, s.Last, s.Drawing = s.Last, c, false
	default:
		err = workflows.ErrUnknownEvent
	}
	if err != nil {
		return st, fmt.Errorf("apply %q: %w", e.Type, err)
	}
	return s, nil
}

// View implements [workflows.Machine]. Each checkpoint has a card of its own, which is never changed. The
// last one is posted again to a channel that is new.
func (Checkpoints) View(st workflows.State) workflows.View {
	s := st.(CheckpointsState)
	if !s.Opened() {
		return workflows.View{}
	}
	v := workflows.View{Timers: []workflows.Timer{{Name: "checkpoint", At: s.Next}}}
	if s.Channel != "" && s.Last.Number > 0 {
		month := s.month()
		v.Cards = []workflows.Card{month, s.card(month)}
	}
	if s.Notices != "" && s.Notice.Number > 0 {
		v.Cards = append(v.Cards, s.Notice.card(s.Notices))
	}
	return v
}

// Tell implements [workflows.Machine].
func (Checkpoints) Tell(e workflows.Event) string { return workflows.Retell(ledgerTellers, e) }

var ledgerTellers = map[string]workflows.Teller{
	evLedgerBegun:   workflows.TellsAlways("checkpoints are made from here on, one each day"),
	evLedgerChannel: workflows.TellsAlways("checkpoints go to another channel"),
	evLedgerMoved: workflows.TellsAlways(
		"the channel for checkpoints, or for what is told about the record, is another one"),
	evLedgerDue: workflows.TellsAlways("a checkpoint was due"),
	evLedgerDoubted: workflows.TellsAlways(
		"something in Redis was not what Keyholder stored; the channel was told"),
	evLedgerSealed:       workflows.TellsAlways("the record was sealed with a key that was new here"),
	evLedgerMissed:       workflows.TellsAlways("the checkpoint could not be made; the next day makes up for it"),
	chain.CheckpointPart: workflows.TellsAlways("a part of the list of the checkpoint that follows"),
	chain.CheckpointMade: workflows.Tells(func(_ workflows.Event, c chain.Checkpoint) string {
		return fmt.Sprintf("checkpoint %d over %s: `%s`", c.Number, workflows.Plural(c.Records, "record"),
			workflows.Esc(c.Root))
	}),
}

// short is a root where the whole one can be found elsewhere.
func short(root string) string { return root[:min(12, len(root))] + "…" }

// month is the message under which the checkpoints of a month stand, by the calendar of UTC: a
// channel where people talk hears one line a month, not one a day.
func (s CheckpointsState) month() workflows.Card {
	at := s.Last.At.UTC()
	name := at.Format("January 2006")
	return workflows.Card{Name: "checkpoints-" + at.Format("2006-01"), Recipient: s.Channel, Bulk: true,
		Title:    "Checkpoints of Keyholder's record, " + name,
		Lines:    []string{"One a day, in this thread. With them anybody can tell later whether the record was rewritten."},
		Fallback: "Checkpoints of Keyholder's record, " + name}
}

func (s CheckpointsState) card(under workflows.Card) workflows.Card {
	c := s.Last
	card := workflows.Card{Name: fmt.Sprintf("checkpoint-%d", c.Number), Recipient: s.Channel, Under: under.Name,
		Bulk:  true,
		Title: fmt.Sprintf("Checkpoint %d of the record", c.Number),
		Lines: []string{fmt.Sprintf("%s, %s: `%s`", workflows.When(c.At), workflows.Plural(c.Records, "record"),
			c.Root)},
		Fallback: fmt.Sprintf("Checkpoint %d of Keyholder's record: %s, %s", c.Number,
			workflows.Plural(c.Records, "record"),
			short(c.Root))}
	switch {
	case s.Before.Number > 0:
		card.Lines = append(card.Lines, fmt.Sprintf("It follows checkpoint %d (`%s`), %s.", s.Before.Number,
			short(s.Before.Root), workflows.When(s.Before.At)))
	default:
		card.Lines = append(card.Lines, "It is the first.")
	}
	if c.Lost > 0 {
		card.Under = "" // in a thread nobody would see it
		card.Lines = append(card.Lines,
			fmt.Sprintf("! %s missing, cut or rewritten since the checkpoint before: %s. Ask whoever runs Redis, and run `keyholder audit verify`.",
				was(c.Lost), workflows.Esc(workflows.List(namesOf(c), "and"))))
		card.Fallback = "! " + card.Fallback + "; records are missing, cut or rewritten"
	}
	card.Note = fmt.Sprintf(
		"Whoever writes to Redis cannot change this message. To compare: `keyholder audit verify --checkpoint %d=%s`",
		c.Number, c.Root)
	return card
}

func was(n int) string {
	if n == 1 {
		return "1 record is"
	}
	return fmt.Sprintf("%d records are", n)
}

func namesOf(c chain.Checkpoint) []string {
	if more := c.Lost - len(c.Names); more > 0 {
		return append(slices.Clone(c.Names), fmt.Sprintf("%d more", more))
	}
	return c.Names
}
