package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
	"github.com/keyholder/keyholder/workflows/review/standing"
	"github.com/keyholder/keyholder/workflows/worktime"
)

// campaignMachine is the name of the machine whose workflows are named after account and period.
const campaignMachine = "campaign"

// campaignLetter and packetLetter start the IDs of campaigns and of reviewers' packets.
const (
	campaignLetter = 'r'
	packetLetter   = 'p'
)

// What the word review can do.
const (
	reviewStart  = "start"
	reviewStatus = "status"
	reviewExport = "export"
)

// wordReview opens the review of the running period, tells how reviews stand, or sends one's files.
// Its words come in any order.
func (v *visit) wordReview(ctx context.Context, rest string) (workflows.Reply, error) {
	do, about := reviewWords(rest)
	if letter, _, ok := workflows.ParseID(strings.ToLower(about)); ok &&
		(letter == campaignLetter || letter == packetLetter) && strings.ContainsAny(about[:3], "0123456789") {
		return v.reviewByID(ctx, do, about)
	}
	a, all, err := v.find(ctx, about)
	if err != nil {
		if about == "" && do != reviewStart && len(all) > 1 {
			return v.reviewOfAll(ctx, do, all)
		}
		return workflows.Reply{}, err
	}
	switch do {
	case reviewStart:
		return v.startReview(ctx, a)
	case reviewExport:
		if err := v.mayExport(ctx, a.Policy.ID); err != nil {
			return workflows.Reply{}, err
		}
		id, err := v.newestReview(a)
		if err != nil {
			return workflows.Reply{}, err
		}
		return v.exportReview(ctx, a.Policy.ID, id)
	}
	return v.reviewOf(ctx, a)
}

// reviewWords takes the one word that says what to do out of what was typed; without one it is status.
func reviewWords(rest string) (do, about string) {
	var others []string
	for _, w := range strings.Fields(rest) {
		switch bare := strings.ToLower(strings.Trim(w, quotes+".,!?")); {
		case do == "" && (bare == reviewStart || bare == reviewStatus || bare == reviewExport):
			do = bare
		default:
			others = append(others, w)
		}
	}
	return cmp.Or(do, reviewStatus), unquote(strings.Join(others, " "))
}

// reviewByID tells about, or exports, the campaign that was named by its ID or by that of one of its packets.
func (v *visit) reviewByID(ctx context.Context, do, id string) (workflows.Reply, error) {
	if do == reviewStart {
		return workflows.Reply{}, workflows.Refuse("name_account",
			v.b.fill("A review is opened for an account, not for an ID. Nothing was recorded. Name the account: `{command} review ACCOUNT start`."))
	}
	o, err := v.look(ctx, id)
	if err != nil {
		return workflows.Reply{}, err
	}
	if o.ID[0] == packetLetter {
		s, err := v.b.o.Desk.State(ctx, o.ID)
		if err != nil {
			return workflows.Reply{}, err
		}
		if p, ok := s.(review.PacketState); ok {
			o.ID = p.Campaign
		}
	}
	if do == reviewExport {
		return v.exportReview(ctx, o.Account, o.ID)
	}
	a, _, err := v.find(ctx, o.Account)
	if err != nil {
		return workflows.Reply{}, err
	}
	if err := v.mayFollow(ctx, a.Policy); err != nil {
		return workflows.Reply{}, err
	}
	lines, err := v.campaignLines(ctx, o.ID)
	if err != nil {
		return workflows.Reply{}, err
	}
	return workflows.Reply{Text: strings.Join(lines, "\n"), Link: o.ID}, nil
}

// startReview opens the campaign of the running period. Whether the person may is the machine's to say.
func (v *visit) startReview(ctx context.Context, a workflows.AccountInfo) (workflows.Reply, error) {
	at := v.b.at()
	period, err := worktime.CalendarOf(a.Policy.Review).At(at)
	if err != nil {
		return workflows.Reply{}, noPeriod(a, err)
	}
	desk, name := v.b.o.Desk, review.StartCampaign
	id, err := desk.NamedWorkflowID(campaignMachine, a.Policy.ID, period.ID)
	if err != nil {
		return workflows.Reply{}, fmt.Errorf("name the review: %w", err)
	}
	switch o, err := desk.Look(ctx, id); {
	case err == nil && o.Stage == review.CampaignCancelled:
		name = review.StartAgain
	case err == nil:
		return workflows.Reply{}, v.reviewIsThere(ctx, a, period.ID, o)
	case !errors.Is(err, workflows.ErrNoWorkflow):
		return workflows.Reply{}, err
	}
	reply, err := desk.Do(ctx, workflows.Command{
		ID:   strings.Join([]string{"slash", v.who.team, v.who.user, cmp.Or(v.who.trigger, v.ack.envelope)}, "/"),
		Name: name, Workflow: id, Account: a.Policy.ID, Submitted: true, Input: map[string]string{"period": period.ID},
		Actor: v.who.actor(), At: at, Round: workflows.NoRound})
	if errors.Is(err, workflows.ErrNoWorkflow) { // somebody else was faster
		if o, lookErr := desk.Look(ctx, id); lookErr == nil {
			return workflows.Reply{}, v.reviewIsThere(ctx, a, period.ID, o)
		}
	}
	if err != nil {
		return workflows.Reply{}, err
	}
	reply.Text = cmp.Or(reply.Text, "The review of "+workflows.Esc(a.Policy.Name)+" for "+period.ID+" is open.")
	if !strings.Contains(reply.Text, id) {
		reply.Text += " Its ID is `" + id + "`; " + v.b.fill("`{command} review "+a.Policy.ID+"` shows how it goes.")
	}
	reply.Link = cmp.Or(reply.Link, id)
	return reply, nil
}

// reviewIsThere refuses a second campaign of one period. That there is one is told to those who may know.
func (v *visit) reviewIsThere(ctx context.Context, a workflows.AccountInfo, period string, o workflows.Overview) error {
	if err := v.mayFollow(ctx, a.Policy); err != nil {
		return err
	}
	text := "The review of " + workflows.Esc(a.Policy.Name) + " for " + period + " is open already: `" + o.ID +
		"`. Nothing was recorded. " +
		v.b.fill("`{command} review "+a.Policy.ID+"` shows how it goes.")
	if o.Closed {
		text = "The review of " + workflows.Esc(a.Policy.Name) + " for " + period + " was held already: `" + o.ID +
			"` (" + workflows.Esc(o.Stage) + "). Nothing was recorded. A period has one review. " +
			v.b.fill("`{command} review "+o.ID+" export` sends its files.")
	}
	return &workflows.Refusal{Code: "review_exists", Text: text, Link: o.ID}
}

// noPeriod says that the account's configuration names no period.
func noPeriod(a workflows.AccountInfo, err error) error {
	return fmt.Errorf("%w: %w", &workflows.Refusal{Code: "no_period", Text: "Reviews of " +
		workflows.Esc(a.Policy.Name) +
		" have no period in the configuration, so none was opened. Ask whoever operates Keyholder to run `keyholder check`, which says what is wrong under review."}, err)
}

// newestReview is the ID of the running campaign of an account, or of the last one that was held to its end.
func (v *visit) newestReview(a workflows.AccountInfo) (string, error) {
	all := a.State.Reviews
	if id := standing.Running(all); id != "" {
		return id, nil
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Stage != review.CampaignCancelled || i == 0 {
			return all[i].ID, nil
		}
	}
	return "", workflows.Refuse("no_review", v.b.fill("No review of "+workflows.Esc(a.Policy.Name)+
		" was held yet, so there is nothing to export. `{command} review "+a.Policy.ID+
		"` says when the next one opens."))
}

// mayFollow refuses those who may neither read the account's record nor review it.
func (v *visit) mayFollow(ctx context.Context, p workflows.Policy) error {
	me, err := v.person(ctx)
	if err != nil {
		return err
	}
	if v.b.o.Desk.MayRead(ctx, me, p.ID) || v.b.reviews(ctx, me.ID, p.Review) {
		return nil
	}
	return workflows.Refuse("may_not_read", "How the reviews of "+workflows.Esc(p.Name)+
		" go can be seen by its holders, approvers, administrators, auditors and reviewers. You are none of them. Ask one of them.")
}

// reviews reports whether a person is one of the configured reviewers. Those who were named for
// single roles or integrations count.
func (b *Bot) reviews(ctx context.Context, person string, p workflows.ReviewPolicy) bool {
	ids := population.Reviewers(p)
	if slices.Contains(ids, person) {
		return true
	}
	for _, id := range ids {
		if !workflows.IsGroup(id) {
			continue
		}
		if members, err := b.people.Group(ctx, id); err == nil && slices.Contains(members, person) {
			return true
		}
	}
	return false
}
