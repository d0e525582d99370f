package bot

import (
	"context"
	"errors"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/slack-go/slack/socketmode"

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
	// textOnly: this workspace refused a table, so answers are texts from then on.
	textOnly atomic.Bool
	choices  choices

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

// readLimit bounds one message of the socket, in bytes. Slack's largest are views of 250 kB.
const readLimit = 4 << 20

// reopenAfter is the distance between two attempts to get going when slack-go's own loop ended
// although trying again can help.
const reopenAfter = 5 * time.Second

// Run keeps the bot connected and answers what arrives. It returns nil when ctx has ended and what
// was in flight is done (at most about [drainTimeout]), and a [*FatalError] when the app or its
// tokens are not accepted. It can be called once.
func (b *Bot) Run(ctx context.Context) error {
	if !b.ran.CompareAndSwap(false, true) {
		return errors.New("run the bot: it has run already")
	}
	if err := b.introduce(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	client := socketmode.New(b.api.Client, socketmode.OptionDialer(b.alive.dialer()),
		socketmode.OptionReadLimit(readLimit),
		socketmode.OptionLog(log.New(io.Discard, "", 0)))

	// The socket outlives ctx, so that what is in flight can still be acknowledged.
	socket, hangUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer hangUp(nil)
	work, abandon := context.WithCancel(socket)
	defer abandon()

	gone := make(chan struct{})
	var failed error
	go func() {
		defer close(gone)
		failed = b.keepConnected(socket, client)
	}()
	var pumping, working, turning sync.WaitGroup
	pumping.Go(func() { b.pump(client, b.stopping.Done(), gone, hangUp) })
	for range workerCount {
		working.Go(func() { b.work(work, client) })
	}
	turning.Go(func() { b.turnAway(work, client) })
	b.wg.Go(b.keepAsking)

	select {
	case <-ctx.Done():
		b.log.Info().Msg("no longer taking anything from Slack")
	case <-gone:
	}
	b.ending.Store(true)
	b.stop()
	within(drainTimeout, working.Wait)
	slackapi.Pause(socket, flushTimeout)
	hangUp(nil)
	<-gone
	pumping.Wait()
	within(drainTimeout, func() { working.Wait(); turning.Wait(); b.wg.Wait() })
	if failed != nil {
		return failed
	}
	return nil
}

// within waits for f, but not longer than d.
func within(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// introduce learns who we are, trying until Slack answers.
func (b *Bot) introduce(ctx context.Context) error {
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		_, err := b.api.Identity(ctx)
		if err == nil {
			return nil
		}
		if f := fatal(b.api, err); f != nil {
			return f
		}
		_, _, after := slackapi.Judge(err)
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Dur(fieldWait,
			max(wait, after)).Msg("Slack does not answer yet")
		if !slackapi.Pause(ctx, max(wait, after)) {
			return ctx.Err()
		}
	}
}

// keepConnected runs slack-go's connection until ctx ends or trying again cannot help.
func (b *Bot) keepConnected(ctx context.Context, client *socketmode.Client) error {
	for {
		err := client.RunContext(ctx)
		if f, ok := errors.AsType[*FatalError](context.Cause(ctx)); ok {
			return f
		}
		if ctx.Err() != nil {
			return nil
		}
		if f := fatal(b.api, err); f != nil {
			return f
		}
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Dur(fieldWait,
			reopenAfter).Msg("the connection to Slack ended")
		if !slackapi.Pause(ctx, reopenAfter) {
			return nil
		}
	}
}
