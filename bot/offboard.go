package bot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/offboard"
)

// wordOffboard opens the form by which somebody leaves: "@person".
func (v *visit) wordOffboard(ctx context.Context, rest string) (workflows.Reply, error) {
	who, ok := mentioned(unquote(rest))
	if rest != "" && (!ok || !roster.IsPerson(who)) {
		return say(v.b.fill(
			"Who leaves? Pick the person from the list that Slack shows after you type @: `{command} offboard @person`.")), nil
	}
	return workflows.Reply{}, v.offboardForm(ctx, who)
}

// offboardForm opens the form, with a person in it where one was named.
func (v *visit) offboardForm(ctx context.Context, person string) error {
	if v.b.o.Forms["offboard"] == nil {
		return coded(codeUnknownForm)
	}
	all, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return err
	}
	mine := v.managed(ctx, all)
	if len(mine) == 0 {
		return workflows.Refuse("not_permitted",
			"Holders and administrators do that, for the accounts that are theirs. Nothing was recorded. `{command} whatif` tells you what rests on you.")
	}
	form := v.requestForm(ctx, "offboard", mine, nil)
	form.Inputs = slices.Clone(form.Inputs)
	for i := range form.Inputs {
		if form.Inputs[i].Block == offboard.BlockPerson {
			form.Inputs[i].Initial = person
		}
	}
	return v.open(ctx, form)
}

// managed are the accounts that whoever asks holds or administers.
func (v *visit) managed(ctx context.Context, all []workflows.AccountInfo) []workflows.AccountInfo {
	return slices.DeleteFunc(slices.Clone(all), func(a workflows.AccountInfo) bool {
		return !v.isOneOf(ctx, slices.Concat(a.Policy.HolderIDs(), a.Policy.Admins))
	})
}

// offerOffboarding puts the way into the form under an answer of whatif, for those who may go it.
// The button's value has the shape of a workflow's ID and ends with the person's: it names what may
// be begun, and nothing that exists.
func (v *visit) offerOffboarding(ctx context.Context, all []workflows.AccountInfo, person string, rests bool) {
	mine := v.managed(ctx, all)
	if !rests || person == v.who.user || len(mine) == 0 || v.b.o.Forms["offboard"] == nil {
		return
	}
	id, err := v.b.o.Desk.NamedWorkflowID("offboard", mine[0].Policy.ID, strings.ToLower(person))
	if err != nil {
		return
	}
	block := draw.ButtonBlock(draw.BlockID("offboard", 0),
		[]workflows.Button{{Action: offboard.ActStart, Label: "They leave…"}}, id, v.b.people.Name(person))
	if block != nil {
		v.cards = append(v.cards, block)
	}
}

// startOffboarding answers that button.
func (v *visit) startOffboarding(ctx context.Context) (workflows.Reply, error) {
	person := strings.ToUpper(v.cmd.Workflow[strings.LastIndexByte(v.cmd.Workflow, '-')+1:])
	if !roster.IsPerson(person) {
		return workflows.Reply{}, coded(codeMalformed)
	}
	return workflows.Reply{}, v.offboardForm(ctx, person)
}

// offboard gives the form to the desk: a workflow for each account that whoever sent it holds or
// administers; where the person leaves one already, the day is moved. What is wrong with a field is
// told before anything is recorded.
func (v *visit) offboard(ctx context.Context, cmd workflows.Command) (workflows.Reply, error) {
	all, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	mine := v.managed(ctx, all)
	if len(mine) == 0 {
		return workflows.Reply{}, workflows.Refuse("not_permitted",
			"Holders and administrators do that, for the accounts that are theirs. Nothing was recorded.")
	}
	var told []string
	reply, recorded := workflows.Reply{}, false
	for _, a := range mine {
		one, err := v.offboardFrom(ctx, cmd, a)
		var refused *workflows.Refusal
		switch {
		case errors.As(err, &refused) && (recorded || len(mine) > 1 && refused.Field == ""):
			told = append(told, workflows.Esc(a.Policy.Name)+": "+refused.Text)
			continue
		case err != nil:
			// of what was recorded in other accounts, their cards tell; sent again, it counts once
			return workflows.Reply{}, err
		}
		recorded = true
		told, reply.Link = append(told, one.Text), one.Link
	}
	reply.Text = strings.Join(told, "\n")
	return reply, nil
}

// offboardFrom is that for one account.
func (v *visit) offboardFrom(ctx context.Context, cmd workflows.Command, a workflows.AccountInfo) (workflows.Reply,
	error) {
	id, err := v.b.o.Desk.NewWorkflowID("offboard", a.Policy.ID, v.who.team, v.form.view)
	if err != nil {
		return workflows.Reply{}, err
	}
	cmd.ID += "/" + a.Policy.ID
	cmd.Account, cmd.Workflow = a.Policy.ID, id
	if open := a.State.Locks[offboard.Lock(cmd.Input[offboard.BlockPerson])]; open != "" && open != id {
		cmd.Name, cmd.Workflow, cmd.Round = offboard.Move, open, workflows.NoRound
	}
	return v.b.o.Desk.Do(ctx, cmd)
}
