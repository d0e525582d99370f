package bot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/authenticator"
	"github.com/keyholder/keyholder/workflows/offboard"
)

// click answers a button of a card or of a form. The acknowledgement comes after the commit and
// carries nothing: whether Slack takes an answer there is not settled.
func (v *visit) click(ctx context.Context) {
	if v.fault != "" {
		v.fail(ctx, coded(v.fault))
		return
	}
	if err := v.mayAct(ctx); err != nil {
		v.fail(ctx, err)
		return
	}
	if v.chosenAt != "" {
		v.follow(ctx)
		return
	}
	v.cmd.At = v.b.at()
	do := func(ctx context.Context) (workflows.Reply, error) { return v.b.o.Desk.Do(ctx, v.cmd) }
	switch {
	case v.cmd.Name == offboard.ActStart:
		do = v.startOffboarding
	case isHome(v.cmd):
		do = v.homeClick
	case isDetails(v.cmd):
		do = v.details
	}
	reply, err := v.decided(ctx, do)
	if v.stepUp(ctx, err, do) {
		return
	}
	if err != nil {
		v.fail(ctx, err)
		return
	}
	v.ack.send("ok", nil)
	switch {
	case reply.Modal != nil:
		show := v.open
		if v.cmd.View != "" {
			show = v.replace
		}
		form, err := v.filled(ctx, *reply.Modal)
		if err == nil {
			err = show(ctx, form)
		}
		if err != nil {
			v.fail(ctx, err)
		}
	case len(reply.Errors) > 0:
		v.tell(ctx, sortedErrors(reply.Errors), reply.Link)
	case v.home && reply.Text == "":
		v.publishHome(ctx, v.who.user, "")
	default:
		v.tell(ctx, reply.Text, reply.Link)
	}
}

// open shows a form with the trigger of what the person did, which lives for 3 s.
func (v *visit) open(ctx context.Context, m workflows.Modal) error {
	view, err := v.b.renderModal(ctx, m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, triggerLife)
	defer cancel()
	if _, err := v.b.api.OpenViewContext(ctx, v.who.trigger, view); err != nil {
		v.b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldCommand, m.Callback).Msg("a form was not opened")
		return coded(codeNoForm)
	}
	return nil
}

// replace shows a form in the place of the one that was clicked in. Its hash makes sure that
// nothing newer is overwritten, as when a button was pressed twice. Source: views.update.
func (v *visit) replace(ctx context.Context, m workflows.Modal) error {
	view, err := v.b.renderModal(ctx, m)
	if err != nil {
		return err
	}
	if err = v.put(ctx, view, v.form.hash); err == nil {
		return nil
	}
	code := codeNoPage
	switch slackapi.Code(err) {
	case "hash_conflict":
		code = codePageMoved
	case "not_found", "view_not_found", "view_expired":
		code = codeFormGone
	}
	v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldCommand, m.Callback).Msg("a form was not replaced")
	return coded(code)
}

// submit answers a form.
func (v *visit) submit(ctx context.Context) {
	if v.fault != "" {
		v.fail(ctx, coded(v.fault))
		return
	}
	if err := v.mayAct(ctx); err != nil {
		v.fail(ctx, err)
		return
	}
	switch v.cmd.Name {
	case authenticator.CodeForm:
		v.codeTyped(ctx)
		return
	case authenticator.EnrolForm:
		v.enrolTyped(ctx)
		return
	}
	if v.opened {
		if form, is := v.reshaped(ctx); is {
			v.next(ctx, form)
			return
		}
	}
	if err := v.fetchFiles(ctx); err != nil {
		v.fail(ctx, err)
		return
	}
	v.cmd.At = v.b.at()
	reply, err := v.decided(ctx, v.decide)
	if v.stepUp(ctx, err, v.decide) {
		return
	}
	if err != nil {
		v.fail(ctx, err)
		return
	}
	v.closeForm(ctx, reply)
}

// decide gives a form's command to the desk. A request's workflow ID is made of its view, so
// sending it twice opens one.
func (v *visit) decide(ctx context.Context) (workflows.Reply, error) {
	cmd := v.cmd
	if v.opened && cmd.Name == offboard.Request {
		return v.offboard(ctx, cmd)
	}
	if v.opened {
		machine := strings.TrimSuffix(cmd.Name, requestCallback)
		if v.b.o.Forms[machine] == nil {
			return workflows.Reply{}, coded(codeUnknownForm)
		}
		if err := v.accountExists(ctx, cmd.Account); err != nil {
			return workflows.Reply{}, err
		}
		id, err := v.b.o.Desk.NewWorkflowID(machine, cmd.Account, v.who.team, v.form.view)
		if err != nil {
			return workflows.Reply{}, err
		}
		cmd.Workflow = id
	}
	return v.b.o.Desk.Do(ctx, v.withLast(ctx, cmd))
}

func (v *visit) accountExists(ctx context.Context, id string) error {
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.Policy.ID == id {
			return nil
		}
	}
	text := "That account is not configured here. Nothing was recorded. Choose one of the list."
	if id == "" {
		text = "No account is chosen. Nothing was recorded. Choose one of the list."
	}
	return &workflows.Refusal{Code: "unknown_account", Text: text, Field: "account"}
}

// closeForm answers a form that was decided.
func (v *visit) closeForm(ctx context.Context, reply workflows.Reply) {
	if len(reply.Errors) > 0 {
		shown := formErrors{Action: "errors", Errors: map[string]string{}}
		for block, text := range reply.Errors {
			if v.form.has(block) && text != "" {
				shown.Errors[block] = v.b.flat(text)
			}
		}
		if len(shown.Errors) > 0 && fits(shown) {
			v.ack.send("errors", shown)
			return
		}
		reply.Text = sortedErrors(reply.Errors)
	}
	if reply.Modal != nil {
		v.next(ctx, *reply.Modal)
		return
	}
	v.ack.send("ok", nil)
	v.tell(ctx, reply.Text, reply.Link)
}

// next shows the form that follows: one of the same kind in the place of the one that was sent,
// another on top of it. What does not fit into an acknowledgement is opened afresh.
func (v *visit) next(ctx context.Context, m workflows.Modal) {
	view, err := v.b.renderModal(ctx, m)
	if err != nil {
		v.fail(ctx, err)
		return
	}
	answer := slack.NewPushViewSubmissionResponse(&view)
	if m.Callback == v.form.callback {
		answer = slack.NewUpdateViewSubmissionResponse(&view)
	}
	if fits(answer) {
		v.ack.send("ok", answer)
		return
	}
	v.ack.send("ok", nil)
	if err := v.open(ctx, m); err != nil {
		v.fail(ctx, err)
	}
}
