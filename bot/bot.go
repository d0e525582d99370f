package bot

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
)

// Times and sizes of the event loop.
const (
	// DeskBudget is what the record has from the receipt of an envelope: 2 s of Slack's 3. What is
	// left is for the acknowledgement.
	DeskBudget = 2 * time.Second
	// deskGrace is how long a command that has overrun its budget may still report that it was stored.
	deskGrace = 200 * time.Millisecond
	// ackTimeout bounds the hand-over of an acknowledgement to the socket's writer.
	ackTimeout = 900 * time.Millisecond
	// answerTimeout bounds the private answer that follows the acknowledgement, all its ways together.
	answerTimeout = 10 * time.Second
	// drainTimeout is how long Run waits at its end for what is in flight.
	drainTimeout = 5 * time.Second
	// flushTimeout is how long the socket stays open after the last acknowledgement was queued,
	// which slack-go does not report as written.
	flushTimeout = 200 * time.Millisecond

	// triggerLife is how long Slack lets a form be opened after a click.
	triggerLife = 3 * time.Second

	workerCount = 16
	queueSize   = 256
	busySize    = 256
	// maxDesk bounds commands that overran their budget and are still running.
	maxDesk = 64
)

// Bot is the program's side of one Slack app in one workspace. It is safe for concurrent use.
type Bot struct {
	o      Options
	log    zerolog.Logger
	api    *slackapi.Client
	alive  *alive
	people *roster.Roster
	places *placeBook
	pace   paces
	// changes of people's Slack accounts that were told.
	changes changes
	wrote   writings
	homes   openHomes

	queue  chan envelope
	busy   chan envelope
	deskIn chan struct{}
	// exports holds a place for each review whose files are being made.
	exports  chan struct{}
	hearing  chan struct{}  // a place for each event of people that asks the record
	wg       sync.WaitGroup // everything that runs because of an envelope
	ending   atomic.Bool    // Run is over: nothing new is taken
	proving  proving
	pictures pictures
	// stopping ends when Run no longer takes anything, as what is awaited for longer has to.
	stopping context.Context
	stop     context.CancelFunc
	ran      atomic.Bool
}

// New makes a Bot. It does no I/O. The error lists every fault of the options.
func New(o Options) (*Bot, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	b := &Bot{
		o: o, log: o.Log, api: o.API, people: o.People, alive: newAlive(o.RealNow), places: newPlaceBook(),
		queue: make(chan envelope, queueSize), busy: make(chan envelope, busySize),
		deskIn:  make(chan struct{}, maxDesk),
		exports: make(chan struct{}, exportsAtOnce), hearing: make(chan struct{}, hearAtOnce),
	}
	b.stopping, b.stop = context.WithCancel(context.Background())
	return b, nil
}

// Connected reports whether the socket to Slack is alive: hello was said on it and bytes, pings
// included, came lately. It does not depend on anybody clicking.
func (b *Bot) Connected() bool { return b.alive.connected() }

// at is the time of a command.
func (b *Bot) at() time.Time { return b.o.Now().UTC().Truncate(time.Millisecond) }
