package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// namePatience bounds asking Slack for the names that a form shows, which is opened with a trigger that lives for 3 s.
const namePatience = 400 * time.Millisecond

// renderModal renders a form whose labels may hold mrkdwn. Slack shows fields' labels and hints as
// plain text, so mentions become names there, date tokens times in UTC, and markup goes.
func (b *Bot) renderModal(ctx context.Context, m workflows.Modal) (slack.ModalViewRequest, error) {
	m.Inputs, m.Intro = slices.Clone(m.Inputs), slices.Clone(m.Intro)
	for i, t := range m.Intro {
		m.Intro[i] = b.fill(t)
	}
	var plain []string
	for _, in := range m.Inputs {
		if in.Kind != workflows.BlockText {
			plain = append(plain, in.Label, in.Hint)
		}
	}
	b.learnNames(ctx, plain)
	for i := range m.Inputs {
		if in := &m.Inputs[i]; in.Kind != workflows.BlockText {
			in.Label, in.Hint = workflows.Plain(in.Label, b.people.Name), workflows.Plain(in.Hint, b.people.Name)
		}
	}
	return draw.RenderModal(m)
}

// learnNames looks up those people in texts whose names are not known yet, for where Slack shows no
// mentions. Who cannot be looked up in time is shown by their ID.
func (b *Bot) learnNames(ctx context.Context, texts []string) {
	var unknown []string
	for _, text := range texts {
		for _, found := range mentionText.FindAllStringSubmatch(text, -1) {
			if id := found[1]; b.people.Name(id) == "" {
				unknown = workflows.Union(unknown, []string{id})
			}
		}
	}
	if len(unknown) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, namePatience)
	defer cancel()
	if _, err := b.people.People(ctx, unknown); err != nil {
		b.log.Debug().Str(fieldCause, slackapi.Clean(err)).Msg("a text shows IDs in place of names")
	}
}

// namesOf lists people where mentions do not work, as far as their names are known.
func (b *Bot) namesOf(ids []string) string {
	var out []string
	for _, id := range ids {
		out = append(out, cmp.Or(b.people.Name(id), id))
	}
	return strings.Join(out, ", ")
}

var mentionText = regexp.MustCompile(`<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>`)

// A card says what one needs to answer it. What one may want to read besides is behind its button
// "Details…", in a form that only shows: nothing is decided there, so the desk is only asked what the
// person's own card says now.

// isDetails reports whether a click asks for a card's details.
func isDetails(cmd workflows.Command) bool { return strings.HasSuffix(cmd.Name, workflows.ActDetails) }

// details shows those of whoever's own card was clicked.
func (v *visit) details(ctx context.Context) (workflows.Reply, error) {
	if err := v.member(ctx); err != nil {
		return workflows.Reply{}, err
	}
	card, _, ok, err := v.b.o.Desk.Card(ctx, v.cmd.Workflow, v.who.user)
	if err != nil {
		return workflows.Reply{}, err
	}
	if !ok || len(card.Details) == 0 {
		return say("There is nothing more to say about this than your card does, or you have none of it."), nil
	}
	m := &workflows.Modal{Callback: v.cmd.Name, Title: "Details", Workflow: v.cmd.Workflow, Round: v.cmd.Round,
		Inputs: []workflows.Input{{Kind: workflows.BlockText, Label: "*" + card.Title + "*"}}}
	for _, text := range card.Details {
		for _, piece := range draw.Pieces(v.b.fill(text), draw.LimitSection) {
			m.Inputs = append(m.Inputs, workflows.Input{Kind: workflows.BlockText, Label: piece})
		}
	}
	m.Inputs = append(m.Inputs, workflows.Input{Kind: workflows.BlockText, Label: card.Note})
	return workflows.Reply{Modal: m}, nil
}

// A request form follows what is chosen in it: of a removal it does not ask which role. Slack keeps
// what stands in a field that stays; what stood in one that went is remembered in the form, for when
// it comes back. The form that somebody sends need not be the one that their choice wants, for a change of
// it can be late, lost or overtaken by another one: then sending it shows the right one, and nothing is recorded.

// remembered is what a request form carries about itself.
type remembered struct {
	// Made is what the form was made for: its inputs that are followed, as they were chosen.
	Made map[string]string `json:"made"`
	// Kept is what stood in inputs that it does not have now.
	Kept map[string]string `json:"kept,omitempty"`
}

// maxKept bounds [remembered.Kept], in bytes of JSON; Slack's limit is that of all metadata.
const maxKept = 2000

// remembering is a form that carries what it was made for and what stands in no input of it; of that
// the longest is given up where there is too much. A form that follows nothing carries nothing.
func remembering(m workflows.Modal, chosen map[string]string) workflows.Modal {
	r := remembered{Made: map[string]string{}, Kept: map[string]string{}}
	maps.Copy(r.Kept, chosen)
	for _, in := range m.Inputs {
		delete(r.Kept, in.Block)
		if in.Follows {
			r.Made[in.Block] = in.Initial
		}
	}
	if len(r.Made) == 0 {
		return m
	}
	raw, err := json.Marshal(r)
	for err == nil && len(raw) > maxKept && len(r.Kept) > 0 {
		longest := ""
		for _, block := range slices.Sorted(maps.Keys(r.Kept)) {
			if longest == "" || len(r.Kept[block]) > len(r.Kept[longest]) {
				longest = block
			}
		}
		delete(r.Kept, longest)
		raw, err = json.Marshal(r)
	}
	if err == nil && len(raw) <= maxKept {
		m.Carry = raw
	}
	return m
}

// chosen is all that stands in a request form, and what stood in it, by block; made is what it was
// made for, nil for a form that follows nothing.
func (v *visit) chosen() (chosen, made map[string]string) {
	var r remembered
	_ = json.Unmarshal(v.carry, &r) // a form of ours; of another one there is nothing to remember
	chosen = map[string]string{}
	for block, text := range r.Kept {
		if !v.form.has(block) {
			chosen[block] = text
		}
	}
	maps.Copy(chosen, v.cmd.Input)
	return chosen, r.Made
}

// follow makes the form anew in which something was chosen. It decides nothing, so the click is
// acknowledged at once.
func (v *visit) follow(ctx context.Context) {
	book, view, at := &v.b.choices, v.form.view, v.chosenAt
	book.note(view, at)
	v.ack.send("ok", nil)
	form, err := v.anew(ctx, true)
	var shown slack.ModalViewRequest
	if err == nil {
		shown, err = v.b.renderModal(ctx, form)
	}
	if err == nil && book.newest(view, at) {
		err = v.put(ctx, shown, v.form.hash)
	}
	if slackapi.Code(err) == "hash_conflict" && book.newest(view, at) {
		// that is an earlier choice whose form came in between: this one is the newer
		err = v.put(ctx, shown, "")
	}
	if err != nil {
		// it was closed, or goes on asking what it asks; what is sent is looked at again
		v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldCommand, v.cmd.Name).Msg("a form did not follow a choice")
	}
}

// put shows a form in the place of the one in which something was done; with a hash only where that one
// still stands.
func (v *visit) put(ctx context.Context, view slack.ModalViewRequest, hash string) error {
	ctx, cancel := context.WithTimeout(ctx, slackapi.CallTimeout)
	defer cancel()
	_, err := slackapi.RetryLimited(ctx, func(ctx context.Context) (*slack.ViewResponse, error) {
		return v.b.api.UpdateViewContext(ctx, view, "", hash, v.form.view)
	})
	return err
}

// anew is the request form of the one that somebody uses, for what stands in it. Where they are told, and
// could not send it whatever they write, it says why and leaves them nothing but another account to choose.
func (v *visit) anew(ctx context.Context, tell bool) (workflows.Modal, error) {
	machine := strings.TrimSuffix(v.cmd.Name, requestCallback)
	all, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.Modal{}, err
	}
	offered, err := v.offered(ctx, machine, all)
	if err == nil {
		all = offered
	}
	chosen, _ := v.chosen()
	form := v.requestForm(ctx, machine, all, chosen)
	for i, in := range form.Inputs {
		if of := v.form.of[in.Block]; of != "" && of != in.Of {
			form.Inputs[i].Initial = "" // what was typed there belongs to something else
		}
	}
	if !tell {
		return form, nil
	}
	if err == nil {
		err = v.would(ctx, machine, chosen[blockAccount])
	}
	r, refused := errors.AsType[*workflows.Refusal](err)
	if !refused {
		return form, nil
	}
	text := "! " + r.Text
	if l := v.b.linkTo(ctx, r.Link, v.who.user); l != "" {
		text += " <" + l + "|Open the card>"
	}
	form.Intro, form.Submit = nil, ""
	form.Inputs = slices.DeleteFunc(form.Inputs, func(in workflows.Input) bool {
		return in.Block != blockAccount || !in.Follows || len(offered) == 0
	})
	form.Inputs = append([]workflows.Input{{Kind: workflows.BlockText, Label: v.b.fill(text)}}, form.Inputs...)
	return remembering(form, chosen), nil
}

// reshaped is the form that somebody's choice wants, where what they sent is another one that does not ask all of
// it, or offers what belongs to something else.
func (v *visit) reshaped(ctx context.Context) (form workflows.Modal, is bool) {
	chosen, made := v.chosen()
	stale := false
	for block, was := range made {
		stale = stale || chosen[block] != was
	}
	if !stale {
		return form, false
	}
	form, err := v.anew(ctx, false)
	if err != nil {
		return form, false // what decides says it, too
	}
	for _, in := range form.Inputs {
		of := v.form.of[in.Block]
		is = is || in.Asks() && (!v.form.has(in.Block) || of != "" && of != in.Of)
	}
	form.Intro = append(slices.Clone(form.Intro),
		"! What you have chosen wants more than the form showed. Nothing was recorded. Look at it once more, and send it.")
	return form, is
}

// choices remember the newest choice in each form that is open, so that an earlier one whose form is
// late changes nothing.
type choices struct {
	mu sync.Mutex
	by map[string]string // view -> action_ts
}

func (c *choices) note(view, at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil || len(c.by) >= maxPaces {
		c.by = map[string]string{}
	}
	if was := c.by[view]; !later(was, at) {
		c.by[view] = at
	}
}

func (c *choices) newest(view, at string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !later(c.by[view], at)
}

// later compares two of Slack's timestamps: seconds and microseconds.
func later(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }
