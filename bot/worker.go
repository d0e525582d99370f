package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// work answers envelopes until the queue is closed and empty.
func (b *Bot) work(ctx context.Context, client *socketmode.Client) {
	for e := range b.queue {
		b.handle(ctx, client, e)
	}
}

// turnAway tells those whom nobody has time for that nothing was recorded.
func (b *Bot) turnAway(ctx context.Context, client *socketmode.Client) {
	for e := range b.busy {
		b.handle(ctx, client, e)
	}
}

// handle answers one envelope: one acknowledgement, and no panic gets out.
func (b *Bot) handle(ctx context.Context, client *socketmode.Client, e envelope) {
	ctx, ended := b.o.Stages.Begin(ctx, workflows.StageEnvelope)
	v := &visit{b: b, at: e.at, ack: &ack{b: b, within: ctx, client: client, envelope: e.id, kind: e.kind, at: e.at}}
	defer func() { ended(v.about(), v.failure()) }()
	defer func() {
		if p := recover(); p != nil {
			b.log.Error().Interface(fieldPanic, p).Bytes("stack", debug.Stack()).Str(fieldEnvelope,
				e.id).Msg("answering failed")
			v.rescue(ctx)
		}
		v.ack.send("none", nil)
	}()
	_, decoded := b.o.Stages.Begin(ctx, workflows.StageDecode)
	v.arrival = decode(e.kind, e.payload, b.known)
	decoded(v.about(), nil)
	v.ack.kind = v.kind
	if e.code != "" && v.fault == "" {
		v.fault = e.code
	}
	switch v.kind {
	case kindClick:
		v.click(ctx)
	case kindSubmit:
		v.submit(ctx)
	case kindSlash:
		v.command(ctx)
	case kindEvent:
		v.ack.send("ok", nil) // events are told again when not acknowledged, and record nothing
		v.appHome(ctx)
		v.personChanged(ctx)
		v.fileChanged(ctx)
	default:
		v.ack.send("ignored", nil)
	}
}

// rescue tells the person after a panic, unless that panics, too.
func (v *visit) rescue(ctx context.Context) {
	defer func() { _ = recover() }()
	v.fail(ctx, errInternal)
}

var errInternal = coded(codeInternal)

func (b *Bot) known(machine string) bool {
	_, ok := b.o.Forms[machine]
	return ok || slices.Contains(b.o.Machines, machine)
}

// visit is one envelope being answered.
type visit struct {
	b *Bot
	arrival
	at  time.Time
	ack *ack
	// cards are those that an answer to a command shows below its text.
	cards []slack.Block
	// instead is what an answer to a command shows in the place of its text, where Slack takes it: a
	// table. The text says the same to whoever does not see it.
	instead []slack.Block
	// after, when set, is what a command still does once it is answered.
	after func(context.Context)
	// failed is what the person was told did not go well. What goes on after the answer may say so
	// later, hence atomic; whoever asks learns what was known then.
	failed atomic.Pointer[error]
}

// failure is what did not go well as far as it is known; nil: nothing.
func (v *visit) failure() error {
	if err := v.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// about is what traces may say of an envelope. What people type is not among it.
func (v *visit) about() workflows.About {
	a := workflows.About{Kind: v.kind}
	if _, _, ok := workflows.ParseID(v.cmd.Workflow); ok {
		a.Workflow = v.cmd.Workflow
	}
	return a
}

// ask gives the record what is left of the budget. The answer after that is [workflows.ErrUnclear]:
// it may or may not be stored. A desk that does not heed its context cannot hold up a worker.
func (v *visit) ask(ctx context.Context, f func(context.Context) (workflows.Reply, error)) (workflows.Reply, error) {
	left := DeskBudget - v.b.o.RealNow().Sub(v.at)
	if left < 50*time.Millisecond {
		return workflows.Reply{}, coded(codeBusy)
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	select {
	case v.b.deskIn <- struct{}{}:
	case <-ctx.Done():
		cancel()
		return workflows.Reply{}, coded(codeBusy)
	}
	type result struct {
		reply workflows.Reply
		err   error
	}
	done := make(chan result, 1)
	v.b.wg.Go(func() {
		defer cancel()
		defer func() { <-v.b.deskIn }()
		defer func() {
			if p := recover(); p != nil {
				v.b.log.Error().Interface(fieldPanic, p).Bytes("stack", debug.Stack()).Msg("the desk failed")
				done <- result{err: fmt.Errorf("decide: %w", errInternal)}
			}
		}()
		reply, err := f(ctx)
		done <- result{reply, err}
	})
	late := time.NewTimer(left + deskGrace)
	defer late.Stop()
	select {
	case r := <-done:
		return r.reply, r.err
	case <-late.C:
		return workflows.Reply{}, fmt.Errorf("decide: %w", workflows.ErrUnclear)
	}
}

// mayAct refuses people of other workspaces before anything else. The desk judges guests, bots and
// the like, freshly. In an organisation a member may have another workspace's ID, which only their
// profile can settle.
func (v *visit) mayAct(ctx context.Context) error {
	me, err := v.b.api.Identity(ctx)
	if err != nil {
		return coded(codeNoSlack)
	}
	if v.who.team == me.Team {
		return nil
	}
	if v.who.team != "" && me.Enterprise == "" {
		return coded(codeForeign)
	}
	return v.member(ctx)
}

// member refuses everybody but full members.
func (v *visit) member(ctx context.Context) error {
	p, err := v.person(ctx)
	if err != nil {
		return err
	}
	if code, bad := standingCodes[p.Standing]; bad {
		return coded(code)
	}
	return nil
}

// person is who did it.
func (v *visit) person(ctx context.Context) (workflows.Person, error) {
	return v.someone(ctx, v.who.user)
}

// someone is anybody, as Slack describes them.
func (v *visit) someone(ctx context.Context, id string) (workflows.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, max(DeskBudget-v.b.o.RealNow().Sub(v.at), time.Millisecond))
	defer cancel()
	people, err := v.b.people.People(ctx, []string{id})
	if err != nil {
		v.b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson, id).Msg("Slack did not say who this is")
		return workflows.Person{}, coded(codeNoSlack)
	}
	return people[id], nil
}

// explain makes the sentence for an error and logs it with the same reference.
func (v *visit) explain(err error) (code, text, link string) {
	v.failed.Store(&err)
	ref := newRef()
	code, text = v.b.sentence(v.kind, err, ref)
	e := v.b.log.Info()
	if withRef[code] {
		e = v.b.log.Warn()
	}
	e = e.Str(fieldRef, ref).Str(fieldCode, code).Str(fieldKind, v.kind).Str(fieldPerson, v.who.user).
		Str(fieldCommand, v.cmd.Name).Str(fieldWorkflow, v.cmd.Workflow)
	if r, ok := errors.AsType[*workflows.Refusal](err); ok {
		e.Str(fieldCode, r.Code).Msg("refused")
		return code, text, r.Link
	}
	e.Str(fieldCause, slackapi.Clean(err)).Msg("not done")
	return code, text, ""
}
