package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Commands with which the program has the ledger tell the channel of checkpoints about the record itself.
const (
	// CmdDoubted: something in Redis is not what Keyholder stored. [BlockRecords] names it. It is
	// told once in [NoticeEvery]; before that it is refused with [CodeToldToday], and may be given
	// again later.
	CmdDoubted = "ledger.doubted"
	// CmdSealed: a key that vouched for nothing before is about to seal [BlockCount] records.
	CmdSealed = "ledger.sealed"
)

// Blocks of those commands.
const (
	BlockRecords = "records" // one a line
	BlockCount   = "count"   // decimal digits
)

// CodeToldToday refuses a notice that follows too soon.
const CodeToldToday = "told_today"

// NoticeEvery is the least distance of two messages about doubts.
const NoticeEvery = 24 * time.Hour

const (
	evLedgerDoubted = "ledger.doubted" // body ledgerNotice
	evLedgerSealed  = "ledger.sealed"  // body ledgerNotice
)

// ledgerNotice is what the channel is told about the record. Number counts the notices of the
// ledger; Records is how many it is about.
type ledgerNotice struct {
	Number  int      `json:"number"`
	Sealed  bool     `json:"sealed,omitempty"` // by a key that is new here; otherwise it is about doubts
	Records int      `json:"records"`
	Names   []string `json:"names,omitempty"` // at most namedDoubts
}

// namedDoubts is how many records a notice names.
const namedDoubts = 20

// notify decides a notice.
func (s CheckpointsState) notify(cmd workflows.Command) (workflows.Decision, error) {
	n := ledgerNotice{Number: s.Notice.Number + 1, Sealed: cmd.Name == CmdSealed}
	if n.Sealed {
		records, err := strconv.Atoi(cmd.Input[BlockCount])
		if err != nil {
			return workflows.Decision{}, fmt.Errorf("read how many records are sealed: %w", err)
		}
		n.Records = records
		return workflows.Decision{Events: []workflows.Event{cmd.Event(evLedgerSealed, n)}}, nil
	}
	names := slices.DeleteFunc(strings.Split(cmd.Input[BlockRecords], "\n"), func(name string) bool {
		return name == ""
	})
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 0:
		return workflows.Decision{}, nil
	case !s.Doubted.IsZero() && cmd.At.Before(s.Doubted.Add(NoticeEvery)):
		return workflows.Decision{}, workflows.Refuse(CodeToldToday,
			"The channel was told of such a thing within a day. Nothing was recorded; it comes with the next message.")
	}
	n.Records, n.Names = len(names), names[:min(len(names), namedDoubts)]
	return workflows.Decision{Events: []workflows.Event{cmd.Event(evLedgerDoubted, n)}}, nil
}

// card is a message of its own for each notice, which is never changed.
func (n ledgerNotice) card(channel string) workflows.Card {
	card := workflows.Card{Name: fmt.Sprintf("notice-%d", n.Number), Recipient: channel}
	if n.Sealed {
		card.Title = "Keyholder's record is sealed with a key that is new here"
		card.Lines = []string{
			workflows.Plural(n.Records, "record") +
				" stood in Redis until now without a seal by this key. Their states were folded anew from their events; what is changed by hand " +
				"from here on is not believed.",
			"If nobody has set or replaced `KEYHOLDER_SEAL_KEY` just now, ask who writes to Redis, and run `keyholder audit verify` with the checkpoints of this channel."}
		card.Fallback = card.Title
		return card
	}
	names := make([]string, len(n.Names), len(n.Names)+1)
	for i, name := range n.Names {
		names[i] = "`" + workflows.Esc(name) + "`"
	}
	if more := n.Records - len(n.Names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	card.Title = "! Somebody changed Keyholder's record in Redis"
	card.Lines = []string{
		"Not as Keyholder stored it: " + workflows.List(names, "and") + ".",
		"What stood there was not believed. A state was folded anew from its events; where the events themselves may be another's, nothing is decided until somebody has looked; " +
			"a card whose place was changed is posted again.",
		"Ask who writes to Redis, and run `keyholder audit verify`. The next message about this comes after a day at the earliest."}
	card.Fallback = fmt.Sprintf("! Somebody changed Keyholder's record in Redis: %s not as Keyholder stored it",
		workflows.Plural(n.Records, "thing"))
	return card
}
