package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/workflows"
)

const (
	// maxProving bounds the proofs that are awaited at once.
	maxProving = 1000
	// provenBudget is what the record has for a command that was proven: nobody waits for an acknowledgement.
	provenBudget = 10 * time.Second
)

// proving holds the proofs that are awaited, by person. Nothing of it acts by itself: when a proof comes,
// the command is decided as if it came then, and after a restart nothing of it is left.
type proving struct {
	mu sync.Mutex
	by map[string]*awaited
}

// awaited is one proof that somebody was asked for.
type awaited struct {
	command string // the command's ID: the same one again is a retry of Slack's
	about   string
	ask     stepup.Question // once the provider has answered
}

// begin notes that somebody is asked; when they are asked already, what was awaited is answered instead.
func (p *proving) begin(person string, a *awaited) (was *awaited, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if was := p.by[person]; was != nil {
		seen := *was
		return &seen, false
	}
	if len(p.by) >= maxProving {
		return nil, true
	}
	if p.by == nil {
		p.by = map[string]*awaited{}
	}
	p.by[person] = a
	return nil, false
}

func (p *proving) asked(person string, q stepup.Question) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.by[person]; a != nil {
		a.ask = q
	}
}

func (p *proving) end(person string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, person)
}

// deciding is what a visit asks of the record, with the actor as they are known by then.
type deciding func(context.Context) (workflows.Reply, error)

// decided asks the record, with the proof that the person gave lately where one is wanted and still holds.
func (v *visit) decided(ctx context.Context, f deciding) (workflows.Reply, error) {
	reply, err := v.ask(ctx, f)
	if _, wanted := errors.AsType[*workflows.StepUpWanted](err); !wanted {
		return reply, err
	}
	who, perr := v.person(ctx)
	if perr != nil {
		return workflows.Reply{}, perr
	}
	fresh, ok := v.fresh(ctx, who)
	if !ok {
		return reply, err
	}
	v.shown(fresh)
	return v.ask(ctx, f)
}

// fresh is a proof that somebody gave lately and that still holds.
func (v *visit) fresh(ctx context.Context, who workflows.Person) (workflows.StepUp, bool) {
	if v.b.o.StepUp != nil {
		if fresh, ok := v.b.o.StepUp.Fresh(who); ok {
			return fresh, true
		}
	}
	if v.b.o.Codes == nil {
		return workflows.StepUp{}, false
	}
	a, err := v.app(ctx, who)
	if err != nil || !a.state.Fresh(v.b.o.Codes.Now(), v.b.o.Codes.MaxAge()) {
		return workflows.StepUp{}, false
	}
	return v.b.o.Codes.Proof(a.state.Used), true
}

// shown notes that whoever this is has shown it.
func (v *visit) shown(proof workflows.StepUp) {
	v.who.stepUp = &proof
	v.cmd.Actor = v.who.actor()
}

// stepUp answers an error that says that a proof is wanted, and reports whether it was one: the click is
// acknowledged, the form closed, and the person is asked privately.
func (v *visit) stepUp(ctx context.Context, err error, f deciding) bool {
	wanted, ok := errors.AsType[*workflows.StepUpWanted](err)
	if !ok {
		return false
	}
	switch {
	case v.b.o.Codes != nil && v.byCode(ctx, wanted.About):
	case v.b.o.StepUp != nil:
		v.byProvider(ctx, wanted.About, nil, f)
	default: // the configuration is refused with neither
		v.fail(ctx, errInternal)
	}
	return true
}

// byProvider asks the person at the identity provider; answer is what the form they sent is answered with, nil: it
// closes.
func (v *visit) byProvider(ctx context.Context, about string, answer any, f deciding) {
	me := v.who.team + "/" + v.who.user
	was, full := v.b.proving.begin(me, &awaited{command: v.cmd.ID, about: about})
	switch {
	case full:
		v.fail(ctx, coded(codeBusy))
	case was != nil && was.command == v.cmd.ID && v.cmd.ID != "":
		v.ack.send("proof", answer)
	case was != nil:
		v.ack.send("proof", answer)
		v.tell(ctx, v.b.stillAwaited(*was), "")
	default:
		v.ack.send("proof", answer)
		v.b.wg.Go(func() { v.prove(ctx, me, about, f) })
	}
}

// stillAwaited says that another click waits for its proof.
func (b *Bot) stillAwaited(a awaited) string {
	text := "This was not taken: you are being asked who you are for something else.\n" + a.about + "\n"
	if a.ask.Code != "" {
		text += b.askedFor(a.ask) + "\n"
	}
	return text + "Answer there, yes or no, then press this button again. Nothing was recorded by either click yet."
}

// askedFor is the link and code of a question.
func (b *Bot) askedFor(q stepup.Question) string {
	return fmt.Sprintf("<%s|Open your identity provider>, compare the code *%s* and say yes there, within %s.",
		q.Link, workflows.Esc(q.Code), workflows.Span(q.Ends.Sub(b.o.RealNow()).Round(time.Minute)))
}

// prove asks somebody who they are, decides what they pressed, and tells them what came of it.
func (v *visit) prove(ctx context.Context, me, about string, f deciding) {
	defer func() {
		if p := recover(); p != nil {
			v.b.log.Error().Interface(fieldPanic, p).Bytes("stack", debug.Stack()).Msg("asking for a proof failed")
			// The acknowledgement, by which a form would be answered, is long gone.
			defer func() { _ = recover() }()
			v.tellWhy(ctx, errInternal)
		}
	}()
	text, link := v.proven(ctx, me, about, f)
	v.tell(ctx, text, link)
}

// proven answers what came of a click that waited for its proof. The person is not asked any more then:
// whoever reads why it was not taken may press the next button at once.
func (v *visit) proven(ctx context.Context, me, about string, f deciding) (text, link string) {
	defer v.b.proving.end(me)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.b.stopping, cancel)()
	proof, err := v.proof(ctx, me, about)
	if ctx.Err() != nil {
		err = coded(codeStopping)
	}
	if err != nil {
		v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson, v.who.user).Msg("no proof came")
		return v.why(err)
	}
	v.shown(proof)
	v.cmd.At = v.b.at()
	bounded, done := context.WithTimeout(ctx, provenBudget)
	defer done()
	reply, err := f(bounded)
	if err != nil {
		return v.why(err)
	}
	return provenText(about, proof, reply), reply.Link
}

// why is the sentence for an error, and where it leads.
func (v *visit) why(err error) (text, link string) {
	_, text, link = v.explain(err)
	return text, link
}

// tellWhy tells an error to somebody whose click was acknowledged long ago.
func (v *visit) tellWhy(ctx context.Context, err error) {
	text, link := v.why(err)
	v.tell(ctx, text, link)
}

// provenText tells what came of a click that was proven.
func provenText(about string, proof workflows.StepUp, reply workflows.Reply) string {
	switch {
	case len(reply.Errors) > 0:
		return "Your proof holds, and this was not taken: " + sortedErrors(reply.Errors) + " Press the button again."
	case reply.Text != "":
		return reply.Text
	}
	return "✓ Recorded, " + proof.Said() + ". " + about
}

// proof asks for one, tells the person where to give it, and waits.
func (v *visit) proof(ctx context.Context, me, about string) (workflows.StepUp, error) {
	q, err := v.b.o.StepUp.Ask(ctx)
	if err != nil {
		return workflows.StepUp{}, err
	}
	v.b.proving.asked(me, q)
	v.tell(ctx, "Before this counts, show who you are at your company's identity provider.\n"+about+"\n"+
		v.b.askedFor(q)+
		"\nNothing is recorded until then. Keyholder shows this code to you alone: should anybody else send you a link "+
		"or a code like this one, do not use it, and tell your security team.", "")
	look, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	people, err := v.b.people.People(look, []string{v.who.user})
	if err != nil {
		return workflows.StepUp{}, fmt.Errorf("look somebody up: %w: %w", err, coded(codeNoSlack))
	}
	return v.b.o.StepUp.Await(ctx, q, people[v.who.user])
}
