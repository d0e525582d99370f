package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/keyholder/keyholder/workflows"
)

// storyRoom is how many characters of a story fit into an answer that is still read; the rest is
// for the export.
const storyRoom = 8000

// wordAudit tells the story of one workflow to those who may read the record.
func (v *visit) wordAudit(ctx context.Context, rest string) (workflows.Reply, error) {
	id := unquote(unescape(rest))
	if id == "" {
		return say(v.b.fill(
			"Which one? Give its ID, which stands at the foot of each card: `{command} audit t07-7KQ2M9XA`.")), nil
	}
	if _, _, ok := workflows.ParseID(strings.ToLower(id)); !ok {
		return say(workflows.Quote(workflows.Clip(id, 40)) +
			" is not an ID. It looks as `t07-7KQ2M9XA` and stands at the foot of each card."), nil
	}
	o, err := v.look(ctx, id)
	if err != nil {
		return workflows.Reply{}, err
	}
	p, err := v.person(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	if !v.b.o.Desk.MayRead(ctx, p, o.Account) {
		return workflows.Reply{}, workflows.Refuse("not_reader",
			"The record of that account can be read by its holders, approvers, administrators, auditors and owner. You are none of them. Ask one of them.")
	}
	story, err := v.b.o.Desk.Story(ctx, o.ID)
	if err != nil {
		return workflows.Reply{}, err
	}
	head := "*" + workflows.Esc(o.Title) + "* (`" + o.ID + "`), " + workflows.Esc(o.Stage)
	return say(head + "\n" + v.b.tellStory(story)), nil
}

// look finds a workflow as typed, or as its ID would be spelled: people type IDs in small letters, and
// phones begin with a large one. IDs are small but for the eight characters that are made by chance.
func (v *visit) look(ctx context.Context, id string) (workflows.Overview, error) {
	small := strings.ToLower(id)
	for _, spelled := range []string{id, small[:1] + strings.ToUpper(small[1:]), small} {
		if _, _, ok := workflows.ParseID(spelled); !ok {
			continue
		}
		o, err := v.b.o.Desk.Look(ctx, spelled)
		if !errors.Is(err, workflows.ErrNoWorkflow) {
			return o, err
		}
	}
	return workflows.Overview{}, fmt.Errorf("find %.40q: %w", id, workflows.ErrNoWorkflow)
}

// tellStory lists a story line by line. A long one keeps its beginning and its end.
func (b *Bot) tellStory(story []workflows.StoryLine) string {
	lines := make([]string, len(story))
	total := 0
	for i, l := range story {
		lines[i] = workflows.When(l.At) + " " + by(l) + l.Text + proven(l)
		total += utf8.RuneCountInString(lines[i]) + 1
	}
	if total <= storyRoom {
		return strings.Join(lines, "\n")
	}
	const first = 3
	var tail []string
	room := storyRoom
	for _, l := range lines[:first] {
		room -= utf8.RuneCountInString(l) + 1
	}
	from := len(lines)
	for from > first && room > utf8.RuneCountInString(lines[from-1])+1 {
		from--
		room -= utf8.RuneCountInString(lines[from]) + 1
		tail = append([]string{lines[from]}, tail...)
	}
	gap := fmt.Sprintf("… %s left out here; `keyholder audit export` has everything.",
		workflows.Plural(from-first, "line"))
	return strings.Join(append(append(append([]string(nil), lines[:first]...), gap), tail...), "\n")
}

// proven says that whoever did it had shown who they are.
func proven(l workflows.StoryLine) string {
	if l.By.StepUp == nil {
		return ""
	}
	return " (" + l.By.StepUp.Said() + ")"
}

// by names the person who did it, where the sentence does not name them itself. What nobody clicked
// says by itself how it came about: an answer of integrator.io to what Keyholder did there is not
// integrator.io's doing.
func by(l workflows.StoryLine) string {
	who := workflows.Mention(l.By.ID)
	if l.By.Kind != workflows.ByPerson || strings.Contains(l.Text, who) {
		return ""
	}
	return who + ": "
}
