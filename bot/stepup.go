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
	// askedBeat is how often this process says whom it is asking for a proof, and looks whom nobody is asking any more.
	askedBeat = 2 * time.Second
	// provenBudget is what the record has for a command that was proven: nobody waits for an acknowledgement.
	provenBudget = 10 * time.Second
)

// proving holds the proofs that are awaited, by person. Nothing of it acts by itself: when a proof comes,
// the command is decided as if it came then, and after a restart nothing of it is left but the notes in
// [Options.Asked].
type proving struct {
	keeping sync.Mutex // one at a time writes notes anew
	mu      sync.Mutex
	by      map[string]*awaited
}

// awaited is one proof that somebody was asked for.
type awaited struct {
	workflows.AskedNote                 // its Command: the same one again is a retry of Slack's
	ask                 stepup.Question // once the provider has answered
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

// noted keeps how a note stands now.
func (p *proving) noted(person string, note workflows.AskedNote) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.by[person]; a != nil {
		a.AskedNote = note
	}
}

// notes are those of everybody who is asked here.
func (p *proving) notes() map[string]workflows.AskedNote {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]workflows.AskedNote{}
	for person, a := range p.by {
		out[person] = a.AskedNote
	}
	return out
}

// end forgets what was awaited, and answers its note.
func (p *proving) end(person string) workflows.AskedNote {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.by[person]
	delete(p.by, person)
	if a == nil {
		return workflows.AskedNote{}
	}
	return a.AskedNote
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
	asked := workflows.Asked{Team: v.who.team, Person: v.who.user, Command: v.cmd.ID, About: about, At: v.b.at()}
	if !v.opened {
		asked.Workflow = v.cmd.Workflow
	}
	was, full := v.b.proving.begin(me, &awaited{AskedNote: workflows.AskedNote{Asked: asked}})
	if was == nil && !full {
		elsewhere, err := v.b.noteAsked(ctx, me, asked)
		if err != nil {
			v.b.proving.end(me)
			v.fail(ctx, err)
			return
		}
		was = elsewhere
	}
	switch {
	case full:
		v.fail(ctx, coded(codeBusy))
	case was != nil && was.Command == v.cmd.ID && v.cmd.ID != "":
		v.ack.send("proof", answer)
	case was != nil:
		v.ack.send("proof", answer)
		v.tell(ctx, v.b.stillAwaited(*was), "")
	default:
		v.ack.send("proof", answer)
		v.b.wg.Go(func() { v.prove(ctx, me, about, f) })
	}
}

// stillAwaited says that another click waits for its proof. Link and code are with the process that asks.
func (b *Bot) stillAwaited(a awaited) string {
	text := "This was not taken: you are being asked who you are for something else.\n" + a.About + "\n"
	if a.ask.Code != "" {
		text += b.askedFor(a.ask) + "\n"
	} else {
		text += "The link and the code for it came in a private message. "
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
			v.noLongerAsked(ctx, v.b.proving.end(me))
			v.tellWhy(ctx, errInternal)
		}
	}()
	text, link, lost := v.proven(ctx, me, about, f)
	// Whoever reads what came of it may press the next button at once, so they are free before they are told; but
	// where this process is ending, the note stays until they know, for another one to tell them.
	note := v.b.proving.end(me)
	if !lost {
		v.noLongerAsked(ctx, note)
	}
	if v.tell(ctx, text, link) && lost {
		v.noLongerAsked(ctx, note)
	}
	v.later(ctx)
}

// proven answers what came of a click that waited for its proof.
func (v *visit) proven(ctx context.Context, me, about string, f deciding) (text, link string,
	lost bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.b.stopping, cancel)()
	proof, err := v.proof(ctx, me, about)
	if lost = v.b.stopping.Err() != nil; lost {
		return lostText(about), v.cmd.Workflow, true
	}
	if err == nil {
		err = v.b.stillAsking(ctx, me)
	}
	if err != nil {
		v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson, v.who.user).Msg("no proof came")
		text, link = v.why(err)
		return text, link, false
	}
	v.shown(proof)
	v.cmd.At = v.b.at()
	bounded, done := context.WithTimeout(ctx, provenBudget)
	defer done()
	reply, err := f(bounded)
	if err != nil {
		text, link = v.why(err)
		return text, link, false
	}
	return provenText(about, proof, reply), reply.Link, false
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

// noteAsked notes that somebody is asked here; where another process asks them already, that is answered.
func (b *Bot) noteAsked(ctx context.Context, person string, a workflows.Asked) (elsewhere *awaited, err error) {
	if b.o.Asked == nil {
		return nil, nil
	}
	note, was, err := b.o.Asked.Ask(ctx, a)
	if err != nil {
		return nil, err
	}
	if was != nil {
		b.proving.end(person)
		return &awaited{AskedNote: workflows.AskedNote{Asked: *was}}, nil
	}
	b.proving.noted(person, note)
	return nil, nil
}

// stillAsking makes sure that nobody was told meanwhile that their proof is lost: what they were told is what holds.
func (b *Bot) stillAsking(ctx context.Context, person string) error {
	if b.o.Asked == nil {
		return nil
	}
	b.proving.keeping.Lock()
	defer b.proving.keeping.Unlock()
	note, ours, err := b.o.Asked.StillAsked(ctx, b.proving.notes()[person])
	if err == nil && !ours {
		return coded(codeProofLost)
	}
	b.proving.noted(person, note)
	return err
}

// noLongerAsked ends a note. One that cannot be ended now is found when its time is over.
func (v *visit) noLongerAsked(ctx context.Context, note workflows.AskedNote) {
	if v.b.o.Asked == nil || note.Stands == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if err := v.b.o.Asked.NoLongerAsked(ctx, note); err != nil {
		v.b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Msg(
			"it stays noted for some seconds that somebody is asked for a proof")
	}
}

// keepAsking says again and again whom this process is asking for a proof, and tells those whose process is gone that
// nothing came of theirs, until no more is taken.
func (b *Bot) keepAsking() {
	if b.o.Asked == nil || b.o.StepUp == nil {
		return
	}
	for slackapi.Pause(b.stopping, askedBeat) {
		b.keepNotes()
		gone, err := b.o.Asked.AskedByNobody(b.stopping)
		if err != nil {
			b.log.Debug().Str(fieldCause, slackapi.Clean(err)).Msg("who is asked by nobody any more is not known now")
		}
		for _, note := range gone {
			b.tellLost(note)
		}
	}
}

func (b *Bot) keepNotes() {
	b.proving.keeping.Lock()
	defer b.proving.keeping.Unlock()
	for person, note := range b.proving.notes() {
		if note.Stands == "" {
			continue // not noted yet
		}
		// One that is another's now is found out when its proof comes.
		if kept, ours, err := b.o.Asked.StillAsked(b.stopping, note); err == nil && ours {
			b.proving.noted(person, kept)
		}
	}
}

// tellLost tells somebody whose process is gone that nothing came of their proof: as a direct message, which waits for
// them.
func (b *Bot) tellLost(note workflows.AskedNote) {
	v := visit{b: b, arrival: arrival{who: visitor{user: note.Person, team: note.Team}}}
	if !v.tell(b.stopping, lostText(note.About), note.Workflow) {
		return // told by whoever finds the note next
	}
	b.log.Info().Str(fieldPerson, note.Person).Msg("told somebody that their proof was lost")
	v.noLongerAsked(b.stopping, note)
}

// lostText is what somebody reads whose proof was lost.
func lostText(about string) string {
	return "Keyholder was restarted while you were being asked who you are, so what you showed or would have shown is lost.\n" +
		about + "\nWhere no card and no message says that it counts, nothing was recorded: do it once more. " +
		"The code that you were given for it serves nothing any more."
}
