package bot

import (
	"context"
	"errors"
	"io"
	"log"
	"sync"
	"time"

	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slackapi"
)

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
