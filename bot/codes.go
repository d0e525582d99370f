package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/authenticator"
)

// blockCode is the field for a code.
const blockCode = "code"

// app is somebody's authenticator app, as the record has it.
type app struct {
	id    string
	state authenticator.State
	// lost: what is sealed opens with none of the keys.
	lost bool
}

// missing reports whether there is none that could ever show anything.
func (a app) missing() bool { return !a.state.Opened() || a.state.Closed() || a.lost }

// app looks somebody's app up.
func (v *visit) app(ctx context.Context, who workflows.Person) (app, error) {
	id, err := v.b.o.Desk.NewWorkflowID("authenticator", workflows.AccountOfPeople, who.ID)
	if err != nil {
		return app{}, err
	}
	a := app{id: id}
	s, err := v.b.o.Desk.State(ctx, id)
	if errors.Is(err, workflows.ErrNoWorkflow) {
		return a, nil
	}
	if err != nil {
		return app{}, err
	}
	a.state, _ = s.(authenticator.State)
	if a.state.Opened() && !a.state.Closed() {
		_, err := v.b.o.Codes.Reseal(a.state.Sealed, who)
		a.lost = errors.Is(err, stepup.ErrUnsealed)
	}
	return a, nil
}

// ownApp is who this is, as Slack describes them, and their app.
func (v *visit) ownApp(ctx context.Context) (workflows.Person, app, error) {
	who, err := v.person(ctx)
	if err != nil {
		return who, app{}, err
	}
	a, err := v.app(ctx, who)
	return who, a, err
}

// refusal says why no code of an app can show anything now, and what to do.
func (a app) refusal() *workflows.Refusal {
	const setUp = " Set one up with `{command} step-up`; then press the button again."
	switch {
	case a.lost:
		return workflows.Refuse("app_lost",
			"The secret of your authenticator app cannot be read any more: the key that sealed it (KEYHOLDER_SEAL_KEY) is not there. "+
				"Nothing was recorded. Ask whoever operates Keyholder to put it back, as the second key of the list; if it is lost, set up another app with `{command} step-up`.")
	case a.missing():
		return workflows.Refuse("no_app",
			"This wants a proof that it is you, by a one-time code, and you have no authenticator app set up. Nothing was recorded."+setUp)
	case a.state.Stage == authenticator.Waiting:
		return workflows.Refuse("app_waits",
			workflows.Say("This wants a proof that it is you. Your authenticator app counts from %t, or as soon as an administrator says that it is yours. "+
				"Nothing was recorded. Ask one of them, not in Slack, then press the button again.", a.state.From))
	}
	return workflows.Refuse("app_locked",
		"This wants a proof that it is you, and your authenticator app is locked after five wrong codes. Nothing was recorded. "+
			"Two administrators can reset it.")
}

// carried is what waits for a code: what somebody did, as it is decided once they typed one. It
// travels with the form, so that any replica can take the code, and nothing of it is kept.
type carried struct {
	Kind   string            `json:"kind"`
	About  string            `json:"about"`
	Words  string            `json:"words,omitempty"` // of a slash command
	ID     string            `json:"id,omitempty"`
	Name   string            `json:"name,omitempty"`
	For    string            `json:"for,omitempty"` // the workflow
	In     string            `json:"in,omitempty"`  // the account
	Round  int               `json:"round,omitempty"`
	Page   int               `json:"page,omitempty"`
	View   string            `json:"view,omitempty"`
	Form   string            `json:"form,omitempty"` // the view that is sent
	Opens  bool              `json:"opens,omitempty"`
	Home   bool              `json:"home,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
	// Again: the form was too large to travel along; it lies below and is sent once more.
	Again bool `json:"again,omitempty"`
}

func (v *visit) hold(about string) carried {
	return carried{Kind: v.kind, About: about, Words: v.slash.Text, ID: v.cmd.ID, Name: v.cmd.Name, For: v.cmd.Workflow,
		In:    v.cmd.Account,
		Round: v.cmd.Round, Page: v.cmd.Page, View: v.cmd.View, Form: v.form.view, Opens: v.opened, Home: v.home,
		Fields: v.cmd.Input}
}

// holdRoom is what of a form's metadata is left for what travels along, in characters.
const holdRoom = draw.MaxMetaLength - 300

// byCode asks the person for a code, and reports whether that settles it: where they have no app
// that counts and there is an identity provider, it is for that.
func (v *visit) byCode(ctx context.Context, about string) bool {
	who, err := v.person(ctx)
	if err != nil {
		v.fail(ctx, err)
		return true
	}
	a, err := v.app(ctx, who)
	switch {
	case err != nil:
		v.fail(ctx, err)
	case a.state.Counts() && !a.lost:
		v.askCode(ctx, a, about)
	case v.b.o.StepUp != nil:
		return false
	default:
		r := a.refusal()
		r.Field = v.form.first() // what was typed stays
		v.fail(ctx, r)
	}
	return true
}

// askCode shows the form for a code, on top of the one that was sent.
func (v *visit) askCode(ctx context.Context, a app, about string) {
	h := v.hold(about)
	carry, err := json.Marshal(h)
	if err == nil && utf8.RuneCount(carry) > holdRoom {
		carry, err = json.Marshal(carried{Kind: h.Kind, About: workflows.Clip(about, 300), Again: true})
	}
	if err != nil {
		v.fail(ctx, errInternal)
		return
	}
	form := workflows.Modal{Callback: authenticator.CodeForm, Action: authenticator.CodeForm, Workflow: a.id,
		Account: workflows.AccountOfPeople, Carry: carry,
		Title: "Show who you are", Submit: "Decide",
		Intro: []string{"Before this counts, type the code that your authenticator app shows for Keyholder.", about,
			"Nothing is recorded until then. Type it in this form alone: nobody from Keyholder ever asks you for a code in a message or on the telephone."},
		Inputs: []workflows.Input{{Block: blockCode, Kind: workflows.InputText, Label: "Code", Placeholder: "6 digits",
			MaxLength: 10}}}
	if v.b.o.StepUp != nil {
		form.Inputs[0].Optional, form.Inputs[0].Hint = true,
			"Leave it empty to be asked at your identity provider instead."
	}
	if v.kind == kindSubmit {
		view, err := v.b.renderModal(ctx, form)
		if err != nil {
			v.fail(ctx, err)
			return
		}
		v.ack.send("proof", slack.NewPushViewSubmissionResponse(&view))
		return
	}
	v.ack.send("proof", nil)
	if err := v.open(ctx, form); err != nil {
		v.tellWhy(ctx, err)
	}
}

// takeUp makes a visit that of what was held: the same command, given by whoever typed the code.
func (v *visit) takeUp(h carried) deciding {
	v.home = h.Home
	if h.Again {
		text := "That shows who you are. The form is below: send it once more, and it counts."
		return func(context.Context) (workflows.Reply, error) { return say(text), nil }
	}
	if h.Kind == kindSlash {
		v.slash.Text = h.Words
		return func(ctx context.Context) (workflows.Reply, error) { return v.word(ctx, h.Words) }
	}
	v.cmd = workflows.Command{ID: h.ID, Name: h.Name, Workflow: h.For, Account: h.In, Round: h.Round, Page: h.Page,
		View:      h.View,
		Submitted: h.Kind == kindSubmit, Input: h.Fields, Actor: v.who.actor(), At: v.b.at()}
	v.opened, v.form.view = h.Opens, h.Form
	if h.Kind == kindSubmit {
		return v.decide
	}
	return func(ctx context.Context) (workflows.Reply, error) { return v.b.o.Desk.Do(ctx, v.cmd) }
}

// heldBack reads what came back with the form, as strictly as if it had just been pressed.
func (v *visit) heldBack() (carried, bool) {
	var h carried
	if json.Unmarshal(v.carry, &h) != nil {
		return h, false
	}
	machine, _, _ := strings.Cut(h.Name, ".")
	switch h.Kind {
	case kindSlash:
		return h, true
	case kindClick, kindSubmit:
		return h, h.Again || actionPattern.MatchString(h.Name) && v.b.known(machine) &&
			h.Name != authenticator.CodeForm && h.Name != authenticator.EnrolForm
	}
	return h, false
}

// codeTyped takes a code, and decides what waited for it.
func (v *visit) codeTyped(ctx context.Context) {
	h, ok := v.heldBack()
	if !ok || v.b.o.Codes == nil {
		v.fail(ctx, coded(codeBadForm))
		return
	}
	code := v.cmd.Input[blockCode]
	if code == "" && v.b.o.StepUp != nil {
		v.byProvider(ctx, h.About, v.closing(h), v.takeUp(h))
		return
	}
	reply, err := v.ask(ctx, func(ctx context.Context) (workflows.Reply, error) { return v.tryCode(ctx, code) })
	if err != nil {
		v.fail(ctx, err)
		return
	}
	if len(reply.Errors) > 0 {
		v.closeForm(ctx, reply)
		return
	}
	f := v.takeUp(h)
	reply, err = v.ask(ctx, f)
	if err != nil {
		status, text, link := v.explain(err)
		v.ack.send(status, v.closing(h))
		v.tell(ctx, text, link)
		return
	}
	v.ack.send("ok", v.closing(h))
	v.tell(ctx, provenText(h.About, *v.who.stepUp, reply), reply.Link)
}

// closing closes all forms; where the one below is to be sent again, this one alone.
func (v *visit) closing(h carried) any {
	if h.Again {
		return nil
	}
	return slack.NewClearViewSubmissionResponse()
}

// tryCode has the record take a code, once, whichever replica looks at it.
func (v *visit) tryCode(ctx context.Context, code string) (workflows.Reply, error) {
	who, a, err := v.ownApp(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	if !a.state.Counts() || a.lost {
		r := a.refusal()
		r.Field = blockCode
		return workflows.Reply{}, r
	}
	t := authenticator.Try{At: v.b.o.Codes.Now(), N: a.state.N}
	if t.Step, err = v.b.o.Codes.Step(a.state.Sealed, who, code); err != nil {
		return workflows.Reply{}, err
	}
	reply, err := v.b.o.Desk.Do(ctx, v.told(a.id, authenticator.Tried.To(workflows.AccountOfPeople, a.id, t)))
	if err == nil && len(reply.Errors) == 0 {
		v.shown(v.b.o.Codes.Proof(t.At))
	}
	return reply, err
}

// told is a command by which the bot tells a workflow what it found. Each try is one of its own,
// though a form keeps its view.
func (v *visit) told(id string, call workflows.Call) workflows.Command {
	return workflows.Command{ID: v.cmd.ID + "/" + v.ack.envelope, Name: call.Command, Workflow: id,
		Account: workflows.AccountOfPeople, Input: call.Input,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: v.b.at(), Round: workflows.NoRound}
}

// wordReset asks that somebody's app be reset: "@person reason".
func (v *visit) wordReset(ctx context.Context, rest string) (workflows.Reply, error) {
	name, reason, _ := strings.Cut(rest, " ")
	person, ok := mentioned(name)
	if !ok {
		return say(v.b.fill(
			"Whose? Pick the person from the list that Slack shows after you type @: `{command} step-up reset @person reason`. Nothing was recorded.")), nil
	}
	none := say(workflows.Mention(person) +
		" has no authenticator app set up, so there is nothing to reset. Nothing was recorded.")
	who, err := v.someone(ctx, person)
	if err != nil {
		return workflows.Reply{}, err
	}
	a, err := v.app(ctx, who)
	if err != nil || !a.state.Opened() {
		return none, err
	}
	reply, err := v.b.o.Desk.Do(ctx, workflows.Command{ID: strings.Join([]string{"slash", v.who.team, v.who.user,
		cmp.Or(v.who.trigger, v.ack.envelope)}, "/"),
		Name: authenticator.ActAsk, Workflow: a.id, Account: workflows.AccountOfPeople, Actor: v.who.actor(),
		At: v.b.at(), Round: workflows.NoRound,
		Input: map[string]string{authenticator.BlockReason: unescape(reason)}})
	if wanted, ok := errors.AsType[*workflows.StepUpWanted](err); ok {
		wanted.About = "*Reset* the authenticator app of " + workflows.Mention(person)
	}
	if err == nil && reply.Text == "" {
		reply.Text = "The authenticator app of " + workflows.Mention(person) + " is reset. They can set up another one."
	}
	reply.Text = v.b.fill(reply.Text)
	return reply, err
}

// forget deletes a picture. What is gone already is well.
func (b *Bot) forget(ctx context.Context, file string) {
	if file == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if err := b.api.DeleteFileContext(ctx, file); err != nil && slackapi.Code(err) != "file_not_found" &&
		slackapi.Code(err) != "file_deleted" {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Msg("the picture of an authenticator app was not deleted")
	}
}

// setUp is what a form that sets an app up carries: the fresh secret, sealed for this person, and
// the picture to delete.
type setUp struct {
	Sealed string `json:"sealed"`
	File   string `json:"file,omitempty"`
}

// pictures are those that lie in direct messages until their app is set up, one for each person. Of
// those whose process dies only what was never set up can stay, and its secret is good for nothing.
type pictures struct {
	mu sync.Mutex
	by map[string]context.CancelFunc
}

// begin ends the one before of the same person.
func (p *pictures) begin(person string, end context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.by[person]; before != nil {
		before()
	}
	if p.by == nil {
		p.by = map[string]context.CancelFunc{}
	}
	p.by[person] = end
}

func (p *pictures) end(person string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if end := p.by[person]; end != nil {
		end()
		delete(p.by, person)
	}
}

// wordStepUp says how somebody can show who they are, and has them set up an authenticator app;
// "reset @person" is for administrators.
func (v *visit) wordStepUp(ctx context.Context, rest string) (workflows.Reply, error) {
	if v.b.o.Codes == nil {
		if v.b.o.StepUp != nil {
			return say("Where a click wants a proof that it is you, Keyholder sends you to your company's identity provider. There is nothing to set up here."), nil
		}
		return say("No click wants a proof here, so there is nothing to set up."), nil
	}
	first, more, _ := strings.Cut(rest, " ")
	switch {
	case strings.EqualFold(first, "reset"):
		return v.wordReset(ctx, strings.TrimSpace(more))
	case rest != "":
		return say(v.b.fill(
			"`{command} step-up` sets up your authenticator app or says how it stands; `{command} step-up reset @person reason` is for administrators.")), nil
	}
	who, a, err := v.ownApp(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	if !a.missing() {
		return say(v.b.fill(a.state.Standing())), nil
	}
	var proof *workflows.StepUp
	if v.b.o.StepUp != nil {
		given, ok := v.b.o.StepUp.Fresh(who)
		if !ok {
			return workflows.Reply{}, &workflows.StepUpWanted{About: "*Set up an authenticator app* in your name"}
		}
		proof = &given
	}
	if v.b.o.RealNow().Sub(v.at) > triggerLife {
		return say(v.b.fill("That shows who you are. To set the app up, type `{command} step-up` once more, within " +
			workflows.Span(v.b.o.StepUp.MaxAge()) + ".")), nil
	}
	return v.enrol(ctx, a, who, proof)
}

// enrol shows the form with a fresh secret; the picture of it follows.
func (v *visit) enrol(ctx context.Context, a app, who workflows.Person, proof *workflows.StepUp) (workflows.Reply,
	error) {
	fresh, err := v.b.o.Codes.Fresh(who, proof)
	if err != nil {
		return workflows.Reply{}, err
	}
	form := func(file string) (slack.ModalViewRequest, error) {
		carry, err := json.Marshal(setUp{fresh.Sealed, file})
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		return v.b.renderModal(ctx, enrolForm(a.id, fresh.Secret, carry, file != ""))
	}
	view, err := form("")
	if err != nil {
		return workflows.Reply{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, triggerLife)
	defer cancel()
	shown, err := v.b.api.OpenViewContext(bounded, v.who.trigger, view)
	if err != nil {
		v.b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Msg("the form for an authenticator app was not opened")
		return workflows.Reply{}, coded(codeNoForm)
	}
	v.after = func(ctx context.Context) { v.picture(ctx, fresh.Picture, shown.View.ID, form) }
	return say("Set up your authenticator app in the form that has just opened. A QR picture comes as a direct message and is deleted once you are done."), nil
}

func enrolForm(id, secret string, carry []byte, pictured bool) workflows.Modal {
	scan := "A QR picture comes to your direct messages with Keyholder; scan it with the app. Or type this key into the app:"
	if pictured {
		scan = "A QR picture is in your direct messages with Keyholder, and below where Slack shows it; scan it with the app. Or type this key into the app:"
	}
	return workflows.Modal{Callback: authenticator.EnrolForm, Action: authenticator.EnrolForm, Workflow: id,
		Account: workflows.AccountOfPeople, Carry: carry,
		Title: "Set up one-time codes", Submit: "Set up",
		Intro: []string{"Add an entry to the authenticator app on your phone, any that shows one-time codes. " + scan,
			"`" + secret + "`",
			"The key is shown this once, to you alone. Who has it can show that they are you: give it to nobody. The administrators are told that you set up an app."},
		Inputs: []workflows.Input{{Block: blockCode, Kind: workflows.InputText,
			Label: "The code that the app shows now", Placeholder: "6 digits", MaxLength: 10}}}
}

// picture sends the picture, notes it in the form, so that any replica can delete it, and deletes
// it when its time is over.
func (v *visit) picture(ctx context.Context, content []byte, viewID string,
	form func(file string) (slack.ModalViewRequest, error)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepup.EnrolWithin)
	defer cancel()
	v.b.pictures.begin(v.who.user, cancel)
	file, err := v.b.sendFile(ctx, v.who.user, "keyholder-authenticator.png", content,
		"Scan this with your authenticator app, then type the code that the app shows into the form. Keyholder deletes this picture; show it to nobody.")
	if err != nil {
		v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson,
			v.who.user).Msg("the picture of an authenticator app was not sent; the form has the key as text")
		return
	}
	defer v.b.forget(ctx, file)
	if err := v.pictured(ctx, file, viewID, form); err != nil {
		return // the form was sent or closed
	}
	select {
	case <-ctx.Done():
	case <-v.b.stopping.Done():
	}
}

// pictured notes the picture in the form and shows it there, for the form hides the message; where Slack does not
// show files of messages in forms, it says where it is.
func (v *visit) pictured(ctx context.Context, file, viewID string,
	form func(file string) (slack.ModalViewRequest, error)) error {
	view, err := form(file)
	if err != nil {
		return err
	}
	plain := view.Blocks.BlockSet
	view.Blocks.BlockSet = append(slices.Clone(plain), slack.NewImageBlockSlackFile(&slack.SlackFileObject{ID: file},
		"QR picture of the key", "", nil))
	if _, err = v.b.api.UpdateViewContext(ctx, view, "", "", viewID); err == nil || slackapi.Code(err) == "not_found" {
		return err
	}
	view.Blocks.BlockSet = plain
	_, err = v.b.api.UpdateViewContext(ctx, view, "", "", viewID)
	return err
}

// enrolTyped takes the code by which somebody shows that their app works.
func (v *visit) enrolTyped(ctx context.Context) {
	var s setUp
	if v.b.o.Codes == nil || json.Unmarshal(v.carry, &s) != nil {
		v.fail(ctx, coded(codeBadForm))
		return
	}
	reply, err := v.ask(ctx, func(ctx context.Context) (workflows.Reply, error) { return v.enrolled(ctx, s) })
	if err != nil {
		v.fail(ctx, err)
		return
	}
	v.closeForm(ctx, reply)
	if len(reply.Errors) == 0 {
		v.b.pictures.end(v.who.user)
		v.b.forget(ctx, s.File)
	}
}

// tooLate is when an app was not set up in time.
func tooLate() *workflows.Refusal {
	return workflows.Refuse("set_up_late", "This key is no longer good: it waits for "+
		workflows.Span(stepup.EnrolWithin)+
		" at most. Nothing was recorded. Take the entry out of your app again, and begin anew with `{command} step-up`.")
}

// enrolled tells the record of an app that works.
func (v *visit) enrolled(ctx context.Context, s setUp) (workflows.Reply, error) {
	who, a, err := v.ownApp(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	e := authenticator.Enrolment{Person: who.ID, Team: who.Team, Name: cmp.Or(who.Name, who.ID), Lost: a.lost}
	e.Sealed, e.Step, e.Proof, err = v.b.o.Codes.Shown(s.Sealed, who, v.cmd.Input[blockCode])
	switch {
	case errors.Is(err, stepup.ErrTooLate), errors.Is(err, stepup.ErrUnsealed):
		return workflows.Reply{}, tooLate()
	case err != nil:
		return workflows.Reply{}, err
	case e.Step == 0:
		return workflows.Reply{Errors: map[string]string{
			blockCode: "That is not the code that the app shows for this key. Nothing was recorded. " +
				"Wait for the next one and try again; if it is not taken either, the clock of your phone is wrong: let it set itself."}}, nil
	}
	if v.b.o.StepUp != nil && e.Proof == nil { // a form of before there was a provider
		return workflows.Reply{}, tooLate()
	}
	message := authenticator.Enrol
	if a.state.Opened() {
		message = authenticator.EnrolAgain
	}
	return v.b.o.Desk.Do(ctx, v.told(a.id, message.To(workflows.AccountOfPeople, a.id, e)))
}
