package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/docs"
)

const (
	scopeCanvas = "canvases:write"
	scopeFiles  = "files:read"
	// everyCanvas is what a 429 of a canvas holds: they are limited for the workspace, like changes of messages.
	everyCanvas = "canvases"
	// ownEdit is how long after a canvas was written word of a change is taken for that of our own.
	ownEdit = 10 * time.Second
	// pageAgain is when a page is looked at again that somebody deleted: the record hears of it first.
	pageAgain = time.Second
)

// noCanvas are Slack's ways of saying that it keeps no canvas for us here; then the page is one
// message. Source: errors of canvases.create.
var noCanvas = []string{"missing_scope", "not_allowed_token_type", "unknown_method", "canvas_disabled_user_team",
	"restricted_action", "canvas_tab_creation_failed",
	"free_team_canvas_tab_already_exists", "free_teams_cannot_create_non_tabbed_canvases",
	"free_teams_cannot_create_standalone_canvases",
	"free_teams_cannot_edit_standalone_canvases", "team_tier_cannot_create_channel_canvases"}

// isCanvas reports whether a page stands as a canvas, whose ID is that of a file, and not as a message.
func isCanvas(at workflows.Place) bool { return strings.HasPrefix(at.TS, "F") }

// canvas brings a page to Slack as a canvas. done is false where it has to be a message.
//
// A canvas carries nothing by which it could be found again: one whose creation got no answer may
// be left beside the one that follows.
func (d *delivery) canvas(ctx context.Context) (out workflows.Outcome, done bool) {
	stands := isCanvas(d.at)
	if !stands && !d.b.holds(ctx, scopeCanvas) {
		return out, false
	}
	if wait := d.b.pace.holds(everyCanvas, d.b.o.RealNow()); wait > 0 {
		return workflows.Outcome{Again: true, Untried: true, After: wait, Err: errLeftAlone}, true
	}
	call, cancel, err := d.hold(ctx)
	if err != nil {
		return lost(err), true
	}
	defer cancel()
	id, content := d.at.TS, slack.DocumentContent{Type: "markdown", Markdown: d.b.named(call, d.card).Canvas}
	if stands {
		err = d.b.api.EditCanvasContext(call, slack.EditCanvasParams{CanvasID: id,
			Changes: []slack.CanvasChange{{Operation: "replace", DocumentContent: content}}})
	} else {
		id, err = d.b.api.CreateCanvasContext(call, workflows.Plain(d.b.named(call, d.card).Title, nil), content,
			slack.CreateCanvasOptionChannelID(d.card.Recipient))
		if err == nil && id == "" {
			err = errUnreadable
		}
	}
	switch code := slackapi.Code(err); {
	case err != nil && slices.Contains(noCanvas, code):
		d.b.api.Complain(err, scopeCanvas, "published documentation is one message, and not a canvas")
		if stands {
			d.at = workflows.Place{} // it can no longer be written: from here on it is a message
		}
		return out, false
	case stands && (code == "canvas_not_found" || code == "canvas_deleted"):
		return d.pageGone(ctx), true
	case code == "canvas_editing_locked": // somebody writes in it just now
		return workflows.Outcome{Again: true, Err: fmt.Errorf("write the canvas: %w", err)}, true
	case err != nil:
		return d.failed("write the canvas", everyCanvas, err), true
	}
	d.b.wrote.note(id, d.b.o.RealNow())
	if was := d.at; !stands && was.TS != "" { // it was a message until the scope came
		if _, _, err := d.b.api.DeleteMessageContext(call, was.Channel, was.TS); err != nil {
			d.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldEffect,
				d.claim.Effect.ID).Msg("the message that a canvas replaces stays")
		}
	}
	return workflows.Outcome{Done: true, Place: workflows.Place{Channel: d.card.Recipient, TS: id,
		Revision: d.claim.Effect.Revision}}, true
}

// holds reports whether the bot's token has a scope; true where Slack does not say.
func (b *Bot) holds(ctx context.Context, scope string) bool {
	me, err := b.api.Identity(ctx)
	if err != nil || me.Scopes == "" {
		return err == nil
	}
	return slices.ContainsFunc(strings.Split(me.Scopes, ","), func(s string) bool {
		return strings.TrimSpace(s) == scope
	})
}

// errPageGone: somebody deleted the page.
var errPageGone = errors.New("somebody deleted the page")

// pageGone tells the record that somebody deleted the page; what follows is a card of another name.
func (d *delivery) pageGone(ctx context.Context) workflows.Outcome {
	state, err := d.b.o.Desk.State(ctx, d.claim.Effect.Workflow)
	if s, is := state.(docs.State); err == nil && (!is || !s.Published() || s.Card() != d.card.Name) {
		return workflows.Outcome{Done: true, Place: d.claim.Place} // a former copy: it has nothing more to say
	}
	err = d.b.pageFound(ctx, d.claim.Effect.Workflow, workflows.PageStands{Card: d.card.Name, Gone: true})
	if err != nil {
		return workflows.Outcome{Again: true, Err: fmt.Errorf("tell that the page is gone: %w", err)}
	}
	return workflows.Outcome{Again: true, Untried: true, After: pageAgain, Err: errPageGone}
}

// pageFound tells the record what became of a page.
func (b *Bot) pageFound(ctx context.Context, workflow string, at workflows.PageStands) error {
	in := map[string]string{docs.BlockCard: at.Card, docs.BlockBy: at.By, docs.BlockEdit: at.Edit}
	if at.Gone {
		in[docs.BlockGone] = "yes"
	}
	_, err := b.o.Desk.Do(ctx, workflows.Command{
		ID: strings.Join([]string{"page", workflow, at.Card, at.Edit, in[docs.BlockGone]}, "/"), Workflow: workflow,
		Name:  docs.Found,
		Actor: workflows.Actor{Kind: workflows.BySlack}, At: b.at(), Round: workflows.NoRound, Input: in,
	})
	return err
}

// PageStands looks whether a published page stands in Slack as it was written; nil when it does, or
// when Slack cannot be asked that.
func (b *Bot) PageStands(ctx context.Context, workflow string, s docs.State) (*workflows.PageStands, error) {
	at, ok, err := b.o.Desk.Place(ctx, workflow, s.Card(), s.Channel)
	if err != nil || !ok || at.TS == "" {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, workflows.CallTimeout)
	defer cancel()
	if !isCanvas(at) {
		_, err := b.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: at.Channel, Ts: at.TS})
		if slackapi.Code(err) == "message_not_found" {
			return &workflows.PageStands{Card: s.Card(), Gone: true}, nil
		}
		return nil, err
	}
	if !b.holds(ctx, scopeFiles) {
		return nil, nil
	}
	file, _, _, err := b.api.GetFileInfoContext(ctx, at.TS, 0, 0)
	switch code := slackapi.Code(err); {
	case code == "file_not_found" || code == "file_deleted":
		return &workflows.PageStands{Card: s.Card(), Gone: true}, nil
	case err != nil:
		return nil, err
	}
	me, err := b.api.Identity(ctx)
	if err != nil || file.LastEditor == nil || *file.LastEditor == "" || *file.LastEditor == me.User {
		return nil, err
	}
	edit := *file.LastEditor
	if file.Updated != nil {
		edit += "/" + strconv.FormatInt(int64(*file.Updated), 10)
	}
	return &workflows.PageStands{Card: s.Card(), By: *file.LastEditor, Edit: edit}, nil
}

// fileChanged hears that a file has changed or is gone. Where that is a published page, the record
// hears what became of it.
func (v *visit) fileChanged(ctx context.Context) {
	e, b := v.event.Event, v.b
	if v.fault != "" || (e.Type != "file_change" && e.Type != "file_deleted") || e.File == "" || b.o.Desk == nil {
		return
	}
	if e.Type == "file_change" && b.wrote.lately(e.File, b.o.RealNow()) {
		return
	}
	select {
	case b.hearing <- struct{}{}:
		defer func() { <-b.hearing }()
	default:
		return // it is looked for later, too
	}
	ctx, cancel := context.WithTimeout(ctx, peopleTimeout)
	defer cancel()
	if err := b.lookAtPages(ctx, e.File); err != nil {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Msg(
			"it is not known what became of a published page; it is looked for later")
	}
}

// lookAtPages looks at the page that is kept in a canvas, if one is.
func (b *Bot) lookAtPages(ctx context.Context, canvas string) error {
	accounts, err := b.o.Desk.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		id, s, err := b.pageOf(ctx, a.Policy.ID)
		if err != nil || !s.Published() {
			continue
		}
		if at, ok, err := b.o.Desk.Place(ctx, id, s.Card(), s.Channel); err != nil || !ok || at.TS != canvas {
			continue
		}
		found, err := b.PageStands(ctx, id, s)
		if err != nil || found == nil {
			return err
		}
		return b.pageFound(ctx, id, *found)
	}
	return nil
}

// pageOf answers the workflow of an account's page and its state; [workflows.ErrNoWorkflow] where
// nobody ever published.
func (b *Bot) pageOf(ctx context.Context, account string) (string, docs.State, error) {
	id, err := b.o.Desk.NewWorkflowID("docs", account, "docs")
	if err != nil {
		return "", docs.State{}, err
	}
	state, err := b.o.Desk.State(ctx, id)
	s, _ := state.(docs.State)
	return id, s, err
}

// publish publishes an account's documentation, or ends that.
func (v *visit) publish(ctx context.Context, a workflows.AccountInfo, name string) (workflows.Reply, error) {
	id, _, err := v.b.pageOf(ctx, a.Policy.ID)
	switch {
	case err != nil && !errors.Is(err, workflows.ErrNoWorkflow):
		return workflows.Reply{}, err
	case err != nil && name == docs.Unpublish:
		return say("It is not published, so there was nothing to end. Nothing was recorded."), nil
	case err != nil:
		name = docs.Request
	}
	return v.b.o.Desk.Do(ctx, workflows.Command{
		ID:       strings.Join([]string{"slash", v.who.team, v.who.user, cmp.Or(v.who.trigger, v.ack.envelope)}, "/"),
		Name:     name,
		Workflow: id, Account: a.Policy.ID,
		Submitted: true, Actor: v.who.actor(), At: v.b.at(), Round: workflows.NoRound,
	})
}

// writings remember when this process wrote which canvas last.
type writings struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (w *writings) note(canvas string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil || len(w.at) >= maxPaces {
		w.at = map[string]time.Time{}
	}
	w.at[canvas] = at
}

// lately reports whether it was so little ago that word of a change is of our own.
func (w *writings) lately(canvas string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, known := w.at[canvas]
	return known && now.Sub(at) < ownEdit
}
