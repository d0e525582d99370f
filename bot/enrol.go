package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/authenticator"
)

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
	if v.b.o.StepUp != nil {
		if _, ok := v.b.o.StepUp.Fresh(who); !ok {
			return workflows.Reply{}, &workflows.StepUpWanted{About: "*Set up an authenticator app* in your name"}
		}
	}
	if v.b.o.RealNow().Sub(v.at) > triggerLife {
		return say(v.b.fill("That shows who you are. To set the app up, type `{command} step-up` once more, within " +
			workflows.Span(v.b.o.StepUp.MaxAge()) + ".")), nil
	}
	return v.enrol(ctx, a, who)
}

// enrol shows the form with a fresh secret; the picture of it follows.
func (v *visit) enrol(ctx context.Context, a app, who workflows.Person) (workflows.Reply, error) {
	fresh, err := v.b.o.Codes.Fresh(who)
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
	e.Sealed, e.Step, err = v.b.o.Codes.Shown(s.Sealed, who, v.cmd.Input[blockCode])
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
	if v.b.o.StepUp != nil {
		proof, ok := v.b.o.StepUp.Fresh(who)
		if !ok {
			return workflows.Reply{}, tooLate()
		}
		e.Proof = &proof
	}
	message := authenticator.Enrol
	if a.state.Opened() {
		message = authenticator.EnrolAgain
	}
	return v.b.o.Desk.Do(ctx, v.told(a.id, message.To(workflows.AccountOfPeople, a.id, e)))
}
